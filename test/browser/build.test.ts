/** The build of the page when the market starts, on a copy of what it needs. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../../bin/processes/node-process.ts";

import.meta.jest.setTimeout(90_000);

const root = join(import.meta.dirname, "../..");
let folder: ReturnType<typeof temporaryFolder>;
const at = (...path: string[]) => join(folder.path, ...path);
const page = () => at("web/dist/index.html");

beforeAll(() => {
  folder = temporaryFolder();
  const isSource = (path: string) =>
    !/[\\/](dist|node_modules|\.building|docs|docs\.html)$/.test(path);
  for (const name of ["web", "client", "contracts"])
    cpSync(join(root, name), at(name), { recursive: true, filter: isSource });
  for (const name of ["tsconfig.json", "package.json", "bin/web-build.ts"])
    cpSync(join(root, name), at(name));
  symlinkSync(join(root, "node_modules"), at("node_modules"));
});

afterAll(() => folder.remove());

/** As a node does that starts; what it says, or "". */
async function starts(): Promise<string> {
  const script = `import(${JSON.stringify(at("bin/web-build.ts"))}).then(async ({ freshPage }) => console.log((await freshPage()) ?? ""))`;
  const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  child.stdout.on("data", (chunk) => (said += chunk));
  await once(child, "close");
  return said.trim();
}

/** A build has another inode, however quick it was. */
const build = () => statSync(page()).ino;
const laterThanTheBuild = new Date(Date.now() + 3_600_000);

describe("the page is built when the market starts", () => {
  it("when it is missing, also by several nodes that start together: whole, and compressed as well", async () => {
    expect(await Promise.all([starts(), starts(), starts()])).toEqual(["", "", ""]);

    expect(readFileSync(page(), "utf8")).toMatch(
      /<script type="module" crossorigin src="\/assets\/index\.[\w-]+\.js">/,
    );
    const assets = readdirSync(at("web/dist/assets"));
    expect(assets.filter((name) => /^index.*\.js\.br$/.test(name))).toHaveLength(1);
    expect(assets.filter((name) => /^index.*\.css\.gz$/.test(name))).toHaveLength(1);
    expect(readFileSync(page(), "utf8")).not.toMatch(/<style|style=|<script>/);
    expect(existsSync(at("web/.building"))).toBe(false);
  });

  it("not again while its sources are older", async () => {
    const before = build();
    expect(await starts()).toBe("");
    expect(build()).toBe(before);
  });

  it.each([
    "web/src/app.tsx",
    "client/index.ts",
    "contracts/routes.ts",
    "web/public/assets/icon.svg",
  ])("again when %s is newer", async (file) => {
    const before = build();
    utimesSync(at(file), laterThanTheBuild, laterThanTheBuild);
    expect(await starts()).toBe("");
    expect(build()).not.toBe(before);
    utimesSync(at(file), new Date(0), new Date(0));
  });

  it("also after a node that was killed while it built", async () => {
    mkdirSync(at("web/.building"));
    utimesSync(at("web/.building"), new Date(0), new Date(0));
    utimesSync(at("web/src/app.tsx"), laterThanTheBuild, laterThanTheBuild);
    const before = build();
    expect(await starts()).toBe("");
    expect(build()).not.toBe(before);
    utimesSync(at("web/src/app.tsx"), new Date(0), new Date(0));
  });

  it("not at all when it cannot be: one sentence says why, and the older one stays", async () => {
    const before = build();
    const original = readFileSync(at("web/src/main.tsx"), "utf8");
    appendFileSync(at("web/src/main.tsx"), "\nthis is no (script");
    utimesSync(at("web/src/main.tsx"), laterThanTheBuild, laterThanTheBuild);

    expect(await starts()).toMatch(/^The page could not be built, an older one is served: .+$/);

    expect(build()).toBe(before);
    expect(existsSync(at("web/.building"))).toBe(false);
    writeFileSync(at("web/src/main.tsx"), original);
    utimesSync(at("web/src/main.tsx"), new Date(0), new Date(0));
  });

  it("not where Vite is not installed: the one that is there is served as it is", async () => {
    const before = build();
    utimesSync(at("web/src/app.tsx"), laterThanTheBuild, laterThanTheBuild);
    rmSync(at("node_modules"));
    expect(await starts()).toBe("");
    expect(build()).toBe(before);
  });
});
