/**
 * Builds the package. `souk-client` is one ES module, with socket.io-client as its only import, and one declaration file that imports
 * nothing. `souk-client/react` is one more of each: they import react, and the types of the first.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { format } from "prettier";
import ts from "typescript";
import { build } from "vite";
import { checkDeclarations } from "./build/check.ts";
import { declarations, ownDeclarations } from "./build/declarations.ts";

const here = import.meta.dirname;
const root = join(here, "..");
const dist = join(here, "dist");

for (const name of ["index", "react"])
  await build({
    configFile: false,
    logLevel: "warn",
    root,
    build: {
      outDir: dist,
      emptyOutDir: name === "index",
      target: "es2022",
      minify: false, // The page that uses the client minifies all of its code.
      lib: { entry: join(here, `${name}.ts`), formats: ["es"], fileName: () => `${name}.js` },
      rolldownOptions: { external: ["socket.io-client", "react"] },
    },
  });

const { config } = ts.readConfigFile(join(root, "tsconfig.json"), ts.sys.readFile);
const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
const write = async (name: string, text: string) => {
  const file = join(dist, `${name}.d.ts`);
  writeFileSync(file, await format(text, { parser: "typescript" }));
  return file;
};
checkDeclarations(
  {
    "souk-client": await write("index", declarations(join(here, "index.ts"), options)),
    "souk-client/react": await write("react", ownDeclarations(join(here, "react.ts"), options)),
  },
  { "consumer.mts": example("ts"), "consumer.tsx": example("tsx") },
);

/** The code of that language in the package's README. */
function example(language: string): string {
  const readme = readFileSync(join(here, "README.md"), "utf8");
  return new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``).exec(readme)![1]!;
}
