import { dirname, join } from "node:path";
import ts from "typescript";

const options: ts.CompilerOptions = {
  strict: true,
  noEmit: true,
  skipLibCheck: false,
  skipDefaultLibCheck: true,
  module: ts.ModuleKind.NodeNext,
  target: ts.ScriptTarget.ES2022,
  lib: ["lib.es2022.d.ts", "lib.dom.d.ts"],
  types: [],
  jsx: ts.JsxEmit.ReactJSX,
};

/**
 * Compiles a package's declarations in strict mode, together with files that import them. Throws the compiler's messages as one Error.
 * `packages`: the declaration file of each importable name. `consumers`: the text of each file by its name.
 */
export function checkDeclarations(
  packages: Record<string, string>,
  consumers: Record<string, string>,
): void {
  const declarations = Object.values(packages);
  const folder = dirname(declarations[0]!);
  const texts = new Map(
    Object.entries(consumers).map(([name, text]) => [join(folder, name), text]),
  );
  const paths = Object.fromEntries(Object.entries(packages).map(([name, file]) => [name, [file]]));
  const settings = { ...options, paths };
  const host = ts.createCompilerHost(settings);
  const { getSourceFile, fileExists } = host;
  host.fileExists = (file) => texts.has(file) || fileExists.call(host, file);
  host.getSourceFile = (file, version, ...rest) => {
    const text = texts.get(file);
    return text === undefined
      ? getSourceFile.call(host, file, version, ...rest)
      : ts.createSourceFile(file, text, version);
  };
  const program = ts.createProgram([...declarations, ...texts.keys()], settings, host);
  const faults = ts.getPreEmitDiagnostics(program);
  if (faults.length === 0) return;
  throw new Error(
    `The declarations do not compile. Export the missing types from client/index.ts.\n${ts.formatDiagnostics(faults, host)}`,
  );
}
