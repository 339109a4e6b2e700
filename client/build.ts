/** Builds what is published: one ES module, with socket.io-client outside, and one declaration file that needs no other. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { format } from "prettier";
import { build } from "vite";

const root = join(import.meta.dirname, "..");
const entry = join(import.meta.dirname, "index.ts");
const dist = join(import.meta.dirname, "dist");

await build({
  configFile: false,
  logLevel: "warn",
  root,
  build: {
    outDir: dist,
    emptyOutDir: true,
    target: "es2022",
    minify: false, // whoever builds a page minifies it all
    lib: { entry, formats: ["es"], fileName: () => "index.js" },
    rolldownOptions: { external: ["socket.io-client"] },
  },
});
writeFileSync(
  join(dist, "index.d.ts"),
  await format(declarations(), { parser: "typescript", printWidth: 140 }),
);

/** All that the entry exports, with the contracts' types written out: whoever uses the client needs neither them nor TypeBox. */
function declarations(): string {
  const { options } = ts.parseJsonConfigFileContent(
    ts.readConfigFile(join(root, "tsconfig.json"), ts.sys.readFile).config,
    ts.sys,
    root,
  );
  const program = ts.createProgram([entry], {
    ...options,
    noEmit: false,
    declaration: true,
    emitDeclarationOnly: true,
  });
  const checker = program.getTypeChecker();
  const exported = checker.getExportsOfModule(
    checker.getSymbolAtLocation(program.getSourceFile(entry)!)!,
  );
  const texts = exported.map((symbol) => {
    const original =
      symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
    return original.flags & ts.SymbolFlags.TypeAlias
      ? writtenOut(checker, original)
      : declared(program, original);
  });
  return texts.join("\n");
}

/** A type alias, with every name in it that is not exported here resolved. */
function writtenOut(checker: ts.TypeChecker, symbol: ts.Symbol): string {
  const { NoTruncation, InTypeAlias } = ts.TypeFormatFlags;
  const type = checker.typeToString(
    checker.getDeclaredTypeOfSymbol(symbol),
    undefined,
    NoTruncation | InTypeAlias,
  );
  return `export type ${symbol.name} = ${type};`;
}

/** An interface, class or function, as the compiler declares it. */
function declared(program: ts.Program, symbol: ts.Symbol): string {
  const source = symbol.declarations![0]!.getSourceFile();
  let text = "";
  program.emit(source, (_, emitted) => (text = emitted), undefined, true);
  const file = ts.createSourceFile("declared.d.ts", text, ts.ScriptTarget.Latest, true);
  const found = file.statements.filter(
    (one) => "name" in one && (one.name as ts.Identifier | undefined)?.text === symbol.name,
  );
  return found.map((one) => one.getFullText().trim()).join("\n");
}
