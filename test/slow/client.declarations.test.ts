import { execFileSync } from "node:child_process";
import { cpSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../../bin/processes/node-process.ts";

import.meta.jest.setTimeout(600_000);

const root = join(import.meta.dirname, "../..");
const folder = temporaryFolder();
const entry = join(folder.path, "client/souk.ts");
const source = readFileSync(join(root, "client/souk.ts"), "utf8");

beforeAll(() => {
  const isSource = (path: string) => !/[\\/](dist|node_modules)$/.test(path);
  for (const name of ["client", "contracts"])
    cpSync(join(root, name), join(folder.path, name), { recursive: true, filter: isSource });
  for (const name of ["tsconfig.json", "package.json"])
    cpSync(join(root, name), join(folder.path, name));
  symlinkSync(join(root, "node_modules"), join(folder.path, "node_modules"));
});

afterAll(() => folder.remove());

/** Builds the client with another method and another type in the module of its types. Returns the declarations, or the error output. */
function buildWith(method: string, type = ""): { types?: string; error?: string } {
  const changed = source.replace(
    "export interface Souk {",
    `${type}export interface Souk {\n  ${method}`,
  );
  expect(changed).not.toBe(source);
  writeFileSync(entry, changed);
  try {
    execFileSync(process.execPath, [join(folder.path, "client/build.ts")], { stdio: "pipe" });
  } catch (error) {
    return { error: String((error as { stderr: Buffer }).stderr) };
  }
  return { types: readFileSync(join(folder.path, "client/dist/index.d.ts"), "utf8") };
}

describe("the declarations of the client", () => {
  it("write out a type that the entry does not export", () => {
    const { types, error } = buildWith(
      'search(query: Params<"market.items">): Promise<Result<"market.buy">>;',
    );

    expect(error).toBeUndefined();
    expect(types).toMatch(/search\(query: \{\s+search\?: string/);
    expect(types).toMatch(/Promise<\{\s*ok: true;\s*saleId: string;?\s*\}>/);
    expect(types).not.toMatch(/Params|Result</);
  });

  it("fail the build with the compiler's message when a type cannot be written out", () => {
    const { error } = buildWith(
      "rate(id: string): Promise<Rating>;",
      "interface Rating { stars: number }\n",
    );

    expect(error).toContain("Cannot find name 'Rating'");
    expect(error).toContain("Export the missing types from client/index.ts.");
  });
});
