/** The build of the page at the start of a market, on a copy of the sources. */
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

import.meta.jest.setTimeout(300_000);

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
  for (const name of ["tsconfig.json", "package.json", "bin/vite-build.ts", "bin/web-build.ts"])
    cpSync(join(root, name), at(name));
  symlinkSync(join(root, "node_modules"), at("node_modules"));
});

afterAll(() => folder.remove());

/** Builds the page as a starting node does. Returns the message, or "". */
async function buildAtStart(): Promise<string> {
  const script = `import(${JSON.stringify(at("bin/web-build.ts"))}).then(async ({ freshPage }) => console.log((await freshPage()) ?? ""))`;
  const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.on("data", (chunk) => (output += chunk));
  await once(child, "close");
  return output.trim();
}

/** Each build has a new inode. */
const buildId = () => statSync(page()).ino;
const laterThanTheBuild = new Date(Date.now() + 3_600_000);

describe("the page's build at the start of a market", () => {
  it("runs when the page is missing, also when several nodes start together, and compresses the files", async () => {
    expect(await Promise.all([buildAtStart(), buildAtStart(), buildAtStart()])).toEqual([
      "",
      "",
      "",
    ]);

    expect(readFileSync(page(), "utf8")).toMatch(
      /<script type="module" crossorigin src="\/assets\/index\.[\w-]+\.js">/,
    );
    const assets = readdirSync(at("web/dist/assets"));
    expect(assets.filter((name) => /^index.*\.js\.br$/.test(name))).toHaveLength(1);
    expect(assets.filter((name) => /^index.*\.css\.gz$/.test(name))).toHaveLength(1);
    expect(readFileSync(page(), "utf8")).not.toMatch(/<style|style=|<script>/);
    expect(existsSync(at("web/.building"))).toBe(false);
  });

  it("makes service workers that import nothing, because browsers run them as classic scripts", () => {
    for (const worker of ["sw.js", "sw-off.js"])
      expect(readFileSync(at("web/dist", worker), "utf8")).not.toMatch(/\b(import|export)\b/);
  });

  it("makes a page that registers its service worker, also in an environment for development or tests", () => {
    expect(process.env.NODE_ENV).toBe("test");
    const [script] = readdirSync(at("web/dist/assets")).filter((name) =>
      /^index.*\.js$/.test(name),
    );
    expect(readFileSync(at("web/dist/assets", script!), "utf8")).toContain("/sw.js");
  });

  it("does not run while the sources are older than the build", async () => {
    const before = buildId();
    expect(await buildAtStart()).toBe("");
    expect(buildId()).toBe(before);
  });

  it.each([
    "web/src/app.tsx",
    "client/index.ts",
    "contracts/routes.ts",
    "web/public/assets/icon.svg",
  ])("runs again when %s is newer", async (file) => {
    const before = buildId();
    utimesSync(at(file), laterThanTheBuild, laterThanTheBuild);
    expect(await buildAtStart()).toBe("");
    expect(buildId()).not.toBe(before);
    utimesSync(at(file), new Date(0), new Date(0));
  });

  it("runs after another node was killed while it built", async () => {
    mkdirSync(at("web/.building"));
    utimesSync(at("web/.building"), new Date(0), new Date(0));
    utimesSync(at("web/src/app.tsx"), laterThanTheBuild, laterThanTheBuild);
    const before = buildId();
    expect(await buildAtStart()).toBe("");
    expect(buildId()).not.toBe(before);
    utimesSync(at("web/src/app.tsx"), new Date(0), new Date(0));
  });

  it("keeps the older page when the build fails, and says why in one sentence", async () => {
    const before = buildId();
    const original = readFileSync(at("web/src/main.tsx"), "utf8");
    appendFileSync(at("web/src/main.tsx"), "\nthis is no (script");
    utimesSync(at("web/src/main.tsx"), laterThanTheBuild, laterThanTheBuild);

    expect(await buildAtStart()).toMatch(
      /^The page could not be built, so an older one is served: .+$/,
    );

    expect(buildId()).toBe(before);
    expect(existsSync(at("web/.building"))).toBe(false);
    writeFileSync(at("web/src/main.tsx"), original);
    utimesSync(at("web/src/main.tsx"), new Date(0), new Date(0));
  });

  it("does not run where Vite is not installed", async () => {
    const before = buildId();
    utimesSync(at("web/src/app.tsx"), laterThanTheBuild, laterThanTheBuild);
    rmSync(at("node_modules"));
    expect(await buildAtStart()).toBe("");
    expect(buildId()).toBe(before);
  });
});
