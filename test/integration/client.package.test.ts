/** The published package: its size, its declarations, and the example in its documentation. */
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
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
const typeCheck = (...files: string[]) => {
  try {
    const options =
      "--strict --skipLibCheck false --noEmit --module nodenext --target es2024 --jsx react-jsx".split(
        " ",
      );
    return run(
      process.execPath,
      join(root, "node_modules/typescript/bin/tsc"),
      ...options,
      ...files,
    );
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
  // An application's own dependencies, from here instead of the registry.
  mkdirSync(join(project.path, "node_modules/@types"), { recursive: true });
  for (const name of ["react", "@types/react"])
    symlinkSync(join(root, "node_modules", name), join(project.path, "node_modules", name));
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
  ).toEqual(["README.md", "package.json", "index.d.ts", "index.js", "react.d.ts", "react.js"]);
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

/** The names that the examples of the documentation use without declaring them. */
const prelude = `
import { createSouk, storedTokens, SoukError, type Item, type Offer, type Souk } from "souk-client";
import { createElement, StrictMode } from "react";
import { SoukProvider, useInbox, useItems, useSession, useSouk } from "souk-client/react";
declare const souk: Souk, id: string, price: number, revision: number, search: string, signal: AbortSignal;
declare function show(...shown: unknown[]): void;
`;

it("compiles the examples of its documentation", () => {
  const page = readFileSync(join(root, "docs/client.md"), "utf8");
  const examples = [...page.matchAll(/```tsx? example\n([^]*?)```/g)].map(([, code]) => code!);
  expect(examples.length).toBeGreaterThan(5);
  const files = examples.map((code, n) => {
    const file = `example-${n}.tsx`;
    const body = code.replace(/^import .*;$/gm, "");
    writeFileSync(join(project.path, file), `${prelude}export async function run() {${body}}\n`);
    return file;
  });
  expect(typeCheck(...files)).toBe("");
});

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

/** Exports of the package, minified by Vite as in a page. Runs in another process, because Vite does not run in jest's. */
const bundled = (names: string, module: string, external: string[]) => {
  const input = join(project.path, "page.ts");
  writeFileSync(input, `export ${names} from ${JSON.stringify(join(root, module))};`);
  return run(
    process.execPath,
    "--input-type=module",
    "--eval",
    `process.env.NODE_ENV = "production"; // Jest sets another value.
     const { build } = await import(${JSON.stringify(import.meta.resolve("vite"))});
     const rolldownOptions = { input: ${JSON.stringify(input)}, external: ${JSON.stringify(external)}, preserveEntrySignatures: "strict" };
     const root = ${JSON.stringify(root)};
     const { output } = await build({ configFile: false, logLevel: "error", root, build: { write: false, rolldownOptions } });
     console.log(output[0].code);`,
  );
};
const withoutPrices = "{ createSouk, SoukError, storedTokens }";

it.each([
  ["by itself", withoutPrices, "client/index.ts", ["socket.io-client"], 10],
  ["with socket.io-client", withoutPrices, "client/index.ts", [], 22],
  ["with prices", "*", "client/index.ts", ["socket.io-client"], 12],
  ["for React", "*", "client/react.ts", ["react"], 2],
])("stays small %s", (_, names, module, external, kilobytes) => {
  const code = bundled(names, module, external);

  expect(code).not.toMatch(/typebox|additionalProperties/i);
  expect(gzipSync(code).length).toBeLessThan(kilobytes * 1024);
});
