/** The published package: its size, its declarations, and the example in its documentation. */
import { execFileSync, spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { newcomer } from "../support/client.ts";
import { block } from "../support/docs.ts";
import { eventually } from "../../bin/processes/eventually.ts";
import { startMarket, type Market } from "../support/market.ts";
import { temporaryFolder } from "../../bin/processes/node-process.ts";

const root = join(import.meta.dirname, "../..");
const project = temporaryFolder();
const types = () =>
  readFileSync(join(project.path, "node_modules/souk-client/dist/index.d.ts"), "utf8");
let market: Market;

const run = (command: string, ...args: string[]) =>
  execFileSync(command, args, {
    cwd: project.path,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
/** Compiles in strict mode, including the declarations of libraries, without access to this repository. */
const typeCheck = (file: string) => {
  try {
    const options =
      "--strict --skipLibCheck false --noEmit --module nodenext --target es2024".split(" ");
    return run(process.execPath, join(root, "node_modules/typescript/bin/tsc"), ...options, file);
  } catch (error) {
    return (error as { stdout: string }).stdout;
  }
};

beforeAll(async () => {
  writeFileSync(
    join(project.path, "package.json"),
    JSON.stringify({ name: "empty", private: true, type: "module" }),
  );
  const packed = run(
    "npm",
    "pack",
    join(root, "client"),
    "--pack-destination",
    project.path,
    "--silent",
  );
  run(
    "npm",
    "install",
    "--no-audit",
    "--no-fund",
    "--prefer-offline",
    `./${packed.trim().split("\n").at(-1)}`,
  );
  market = await startMarket();
}, 600_000);
afterAll(async () => {
  await market?.close();
  project.remove();
});

it("installs from its tarball into an empty project, with socket.io-client as its only dependency", () => {
  const { dependencies } = JSON.parse(
    readFileSync(join(project.path, "node_modules/souk-client/package.json"), "utf8"),
  ) as {
    dependencies: object;
  };
  expect(Object.keys(dependencies)).toEqual(["socket.io-client"]);
  expect(
    run("ls", "-R", "node_modules/souk-client")
      .split(/\s+/)
      .filter((name) => /\./.test(name) && !name.endsWith(":")),
  ).toEqual(["README.md", "package.json", "index.d.ts", "index.js"]);
});

it("declares its types in one file that imports nothing", () => {
  expect(types()).not.toMatch(/import|typebox|contracts|Static</i);
  expect(types()).toContain("ITEM_SOLD");
});

it("runs the example of its documentation", async () => {
  const lines = block("docs/client.md", "ts inbox");
  const withServer = (text: string) =>
    text
      .replace("http://127.0.0.1:3000", market.api)
      .replace("<printed at start>", market.keys.samplePassword!);
  writeFileSync(join(project.path, "inbox.ts"), withServer(lines));
  expect(block("client/README.md", "ts")).toBe(lines);
  expect(lines.trim().split("\n").filter(Boolean)).toHaveLength(4);

  expect(typeCheck("inbox.ts")).toBe("");
  const listening = spawn(process.execPath, ["inbox.ts"], {
    cwd: project.path,
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    let said = "";
    listening.stdout.on("data", (chunk) => (said += chunk));
    await eventually(() => expect(said).toContain("live 0 undefined\n"), { within: 60_000 });
    await (await newcomer({ url: market.api })).buy("1");
    await eventually(() => expect(said).toContain("live 1 Item #1 was sold!\n"));
  } finally {
    listening.kill();
  }
}, 300_000);

it("rejects at compile time what the contracts do not have", () => {
  writeFileSync(
    join(project.path, "wrong.ts"),
    `import { createSouk, SoukError, type ErrorCode } from "souk-client";
const souk = createSouk({ url: "", fetch });
export const right: Promise<string> = souk.buy("1", { price: 4200 }).then(({ saleId }) => saleId);
export const title: Promise<string | null> = souk.items({ sort: "-price" }).then(({ items }) => items[0]!.imageUrl);
// @ts-expect-error a wrong type
void souk.buy(1);
// @ts-expect-error a wrong param
void souk.items({ sort: "oldest" });
// @ts-expect-error a field that the result does not have
void souk.item("1").then(({ buyerId }) => buyerId);
export const isSold = (error: SoukError) => error.code === "ITEM_SOLD";
// @ts-expect-error an unknown code
export const isStolen = (error: SoukError) => error.code === "ITEM_STOLEN";
export const codes: ErrorCode[] = ["UNAVAILABLE"];
`,
  );
  expect(typeCheck("wrong.ts")).toBe("");
});

/** Minified by Vite, as in a page. Runs in another process, because Vite does not run in jest's. */
const bundled = (external: string[]) =>
  run(
    process.execPath,
    "--input-type=module",
    "--eval",
    `process.env.NODE_ENV = "production"; // Jest sets another value.
     const { build } = await import(${JSON.stringify(import.meta.resolve("vite"))});
     const rolldownOptions = { input: "client/index.ts", external: ${JSON.stringify(external)}, preserveEntrySignatures: "strict" };
     const root = ${JSON.stringify(root)};
     const { output } = await build({ configFile: false, logLevel: "error", root, build: { write: false, rolldownOptions } });
     console.log(output[0].code);`,
  );

it.each([
  ["by itself", ["socket.io-client"], 8],
  ["with socket.io-client", [], 21],
])("stays small %s", (_, external, kilobytes) => {
  const code = bundled(external);

  expect(code).toContain("/market/items");
  expect(code).not.toMatch(/typebox|additionalProperties/i);
  expect(gzipSync(code).length).toBeLessThan(kilobytes * 1024);
});
