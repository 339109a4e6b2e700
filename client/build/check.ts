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
};

/**
 * Compiles a package's declarations in strict mode, together with a module that imports the package by its name. Throws the compiler's
 * messages as one Error.
 */
export function checkDeclarations(declarations: string, name: string, consumer: string): void {
  const consumerFile = declarations.replace(/index\.d\.ts$/, "consumer.mts");
  const settings = { ...options, paths: { [name]: [declarations] } };
  const host = ts.createCompilerHost(settings);
  const { getSourceFile, fileExists } = host;
  host.fileExists = (file) => file === consumerFile || fileExists.call(host, file);
  host.getSourceFile = (file, version, ...rest) =>
    file === consumerFile
      ? ts.createSourceFile(file, consumer, version)
      : getSourceFile.call(host, file, version, ...rest);
  const program = ts.createProgram([declarations, consumerFile], settings, host);
  const faults = ts.getPreEmitDiagnostics(program);
  if (faults.length === 0) return;
  throw new Error(
    `The declarations do not compile. Export the missing types from client/index.ts.\n${ts.formatDiagnostics(faults, host)}`,
  );
}
