import { readFileSync, readdirSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { ESLint } from "eslint";

const root = join(import.meta.dirname, "../..");
const eslint = new ESLint({ cwd: root });

/** The messages of the linter about a line in a file of that name. */
async function messagesFor(filePath: string, line: string): Promise<string> {
  const [result] = await eslint.lintText(`${line}\n`, { filePath: join(root, filePath) });
  return result!.messages.map(({ message }) => message).join("\n");
}

describe("the linter refuses an import in the wrong direction, and names the README's table", () => {
  it.each([
    ["contracts/x.ts", 'import "../domain/sale.ts";'],
    ["contracts/x.ts", 'import "../moleculer.config.ts";'],
    ["domain/x.ts", 'import "../broker/env.ts";'],
    ["domain/x.ts", 'import "node:fs";'],
    ["domain/x.ts", "export const now = Date.now();"],
    ["domain/x.ts", "export const now = new Date();"],
    ["domain/x.ts", "export const chance = Math.random();"],
    ["broker/x.ts", 'import "../store/store.ts";'],
    ["mixins/x.ts", 'import "../services/market.service.ts";'],
    ["mixins/x.ts", 'await import("../services/market.service.ts");'],
    ["services/market.service.ts", 'import "./users.service.ts";'],
    ["services/market.service.ts", 'import "./users/tokens.ts";'],
    ["services/users/tokens.ts", 'import "../market.service.ts";'],
    ["services/users/tokens.ts", 'import "../notifications/missed-notices.ts";'],
    ["client/x.ts", 'import "../domain/sale.ts";'],
    ["services/market.service.ts", 'import "../client/index.ts";'],
    ["services/market.service.ts", 'import "../bench/report.ts";'],
  ])("%s: %s", async (file, line) =>
    expect(await messagesFor(file, line)).toMatch(/see "Where does my line go\?" in the README/),
  );

  it.each([
    ["services/market.service.ts", 'import "../store/store.ts";'],
    ["services/users.service.ts", 'import "./users/tokens.ts";'],
    ["domain/x.ts", 'import "../contracts/market.ts";'],
    ["client/x.ts", 'import "../contracts/routes.ts";'],
  ])("allows an import in the right direction: %s: %s", async (file, line) =>
    expect(await messagesFor(file, line)).toBe(""),
  );

  it.each([
    "export const { HOME } = process.env;",
    'import { env } from "node:process";\nexport const { HOME } = env;',
  ])("refuses to read the environment outside broker/env.ts: %s", async (line) => {
    expect(await messagesFor("services/market.service.ts", line)).toMatch(
      /In the services only broker\/env.ts reads environment variables/,
    );
  });
});

describe("the linter finds texts outside the catalogue", () => {
  it.each([
    "export const x = <p>Hello</p>;",
    "export const x = <p>{count} Stück</p>;",
    'export const x = <p aria-label="close">×</p>;',
    'export const x = <Field label="price" />;',
    'announce("Your item is for sale.");',
    "announce(`Welcome, ${name}.`);",
    'export const x = <p>{isOwn ? "Yours" : null}</p>;',
  ])("%s", async (line) =>
    expect(await messagesFor("web/src/x.tsx", line)).toMatch(/web\/src\/texts\/en\.ts/),
  );

  it.each([
    'export const x = <p class="button is-small">{t.buy.buy} ×</p>;',
    'throw new Error("The form is not valid.");',
    'export const isEnter = (key) => key === "Enter";',
    "navigate(`/shop/items/${id}`);",
  ])("but allows %s", async (line) => expect(await messagesFor("web/src/x.tsx", line)).toBe(""));
});

it("the linter refuses prices in another language than the page's", async () => {
  const line =
    'import { formatPrice } from "../../client/money/format.ts";\nformatPrice(1, "EUR");';
  expect(await messagesFor("web/src/x.tsx", line)).toMatch(/web\/src\/prices\.ts/);
  expect(await messagesFor("web/src/prices.ts", line)).toBe("");
});

describe("the import graph of the production code", () => {
  it("has no cycles", () => {
    const files = folders.flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
        .filter((file) => /(?<!\.d)\.tsx?$/.test(file) && !/(^|\/)(dist|node_modules)\//.test(file))
        .map((file) => join(folder, file)),
    );
    const imports = new Map(files.map((file) => [file, importsOf(file)]));
    expect(imports.size).toBeGreaterThan(100);
    expect(files.flatMap((file) => cycleFrom(file, imports))).toEqual([]);
  });
});

const folders =
  "contracts domain broker store outbox edge mixins services client web/src bin".split(" ");

/** The files that a file imports at run time or for types, relative to the root. */
function importsOf(file: string): string[] {
  const text = readFileSync(join(root, file), "utf8");
  return [...text.matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]+)"/g)].map(([, path]) =>
    normalize(join(dirname(file), path!)),
  );
}

/** The shortest way from a file back to itself, as one line; empty when there is none. */
function cycleFrom(start: string, imports: Map<string, string[]>): string[] {
  const queue = [[start]];
  const seen = new Set<string>();
  for (let path = queue.shift(); path; path = queue.shift())
    for (const next of imports.get(path.at(-1)!) ?? []) {
      if (next === start) return [[...path, start].join(" → ")];
      if (!seen.has(next)) queue.push([...path, next]);
      seen.add(next);
    }
  return [];
}
