/** The bundle of TypeBox that bin/service.ts uses, on a copy of the package. */
import { execFileSync } from "node:child_process";
import { appendFileSync, cpSync, mkdirSync, rmSync, symlinkSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../../bin/processes/node-process.ts";

import.meta.jest.setTimeout(120_000);

const root = join(import.meta.dirname, "../..");
const folder = temporaryFolder();
const at = (path: string) => join(folder.path, path);
const main = at("node_modules/typebox/build/index.mjs");

beforeAll(() => {
  mkdirSync(at("bin"));
  for (const name of ["typebox.ts", "typebox.config.ts", "vite-build.ts"])
    cpSync(join(root, "bin", name), at(`bin/${name}`));
  cpSync(join(root, "package.json"), at("package.json"));
  cpSync(join(root, "node_modules/typebox"), at("node_modules/typebox"), { recursive: true });
  symlinkSync(join(root, "node_modules/vite"), at("node_modules/vite"));
});

afterAll(() => folder.remove());

/** Imports TypeBox as a starting node does. Returns where it was found, and the names that it exports. */
function importTypeBox(): { url: string; isValid: boolean; names: string[] } {
  const script = `
    import { bundleTypeBox } from "./bin/typebox.ts";
    await bundleTypeBox();
    const { default: Type, ...rest } = await import("typebox");
    const { Compile } = await import("typebox/schema");
    const { default: Format } = await import("typebox/format");
    Format.Set("even", (text) => text.length % 2 === 0);
    const isValid = Compile(Type.String({ format: "even" })).Check("odd");
    console.log(JSON.stringify({ url: import.meta.resolve("typebox"), isValid, names: Object.keys(rest) }));`;
  const args = ["--input-type=module", "--eval", script];
  const output = execFileSync(process.execPath, args, { cwd: folder.path, encoding: "utf8" });
  return JSON.parse(output) as ReturnType<typeof importTypeBox>;
}

it("is imported instead of the package's modules, and its parts share their state", () => {
  const { url, isValid, names } = importTypeBox();

  expect(url).toMatch(/\/node_modules\/\.cache\/typebox-\d+\.\d+\.\d+\/index\.mjs$/);
  expect(isValid).toBe(false);
  expect(names).toContain("Object");
});

it("is built again when a module of the package has changed", () => {
  appendFileSync(main, "\nexport const changed = true;\n");
  const later = new Date(Date.now() + 2_000);
  utimesSync(main, later, later);

  expect(importTypeBox().names).toContain("changed");
});

it("is not needed: without it the package itself is imported", () => {
  rmSync(at("node_modules/vite"));
  rmSync(at("node_modules/.cache"), { recursive: true });

  const { url, isValid } = importTypeBox();

  expect(url).toMatch(/\/node_modules\/typebox\/build\/index\.mjs$/);
  expect(isValid).toBe(false);
});
