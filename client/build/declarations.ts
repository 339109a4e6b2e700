/** Writes the declarations of an entry into one text that imports nothing: types of other modules are resolved. */
import ts from "typescript";

const { NoTruncation, InTypeAlias } = ts.TypeFormatFlags;
const nodeFlags = ts.NodeBuilderFlags.NoTruncation | ts.NodeBuilderFlags.InTypeAlias;

/** `options`: the compiler options that the entry is written for. */
export function declarations(entry: string, options: ts.CompilerOptions): string {
  const emitOnly = { noEmit: false, declaration: true, emitDeclarationOnly: true };
  const program = ts.createProgram([entry], { ...options, ...emitOnly });
  const checker = program.getTypeChecker();
  const exported = checker
    .getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(entry)!)!)
    .map((symbol) => original(checker, symbol));
  return exported
    .map((symbol) =>
      symbol.flags & ts.SymbolFlags.TypeAlias
        ? typeAlias(checker, symbol)
        : declaration(program, symbol, new Set(exported)),
    )
    .join("\n");
}

/**
 * The declarations of one module, which import the types of the modules that it imports: each must be built into a file of the same name,
 * in the same folder.
 */
export function ownDeclarations(entry: string, options: ts.CompilerOptions): string {
  const emitOnly = { noEmit: false, declaration: true, emitDeclarationOnly: true };
  const program = ts.createProgram([entry], {
    ...options,
    ...emitOnly,
    rewriteRelativeImportExtensions: true,
  });
  let text = "";
  program.emit(program.getSourceFile(entry), (_, emitted) => (text = emitted), undefined, true);
  return text.replace(/(from "\.\/\w+)\.ts"/g, '$1.js"');
}

const original = (checker: ts.TypeChecker, symbol: ts.Symbol) =>
  symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;

/** A type alias with its type written out. */
function typeAlias(checker: ts.TypeChecker, symbol: ts.Symbol): string {
  const type = checker.getDeclaredTypeOfSymbol(symbol);
  return `export type ${symbol.name} = ${checker.typeToString(type, undefined, NoTruncation | InTypeAlias)};`;
}

/** An interface, class or function, as the compiler declares it. */
function declaration(program: ts.Program, symbol: ts.Symbol, exported: Set<ts.Symbol>): string {
  let text = "";
  program.emit(
    symbol.declarations![0]!.getSourceFile(),
    (_, emitted) => (text = emitted),
    undefined,
    true,
    { afterDeclarations: [resolveTypes(program.getTypeChecker(), exported)] },
  );
  const file = ts.createSourceFile("emitted.d.ts", text, ts.ScriptTarget.Latest, true);
  return file.statements
    .filter((one) => "name" in one && (one.name as ts.Identifier | undefined)?.text === symbol.name)
    .map((one) => one.getFullText().trim())
    .join("\n");
}

/** Writes out each reference to a type that is neither exported by the entry nor global. */
function resolveTypes(
  checker: ts.TypeChecker,
  exported: Set<ts.Symbol>,
): ts.TransformerFactory<ts.SourceFile | ts.Bundle> {
  const isKnown = (reference: ts.TypeReferenceNode) => {
    const symbol = checker.getSymbolAtLocation(reference.typeName);
    if (!symbol) return true;
    const { flags, declarations = [] } = original(checker, symbol);
    const isGlobal = declarations.every((one) =>
      /\/lib\.[\w.]+$/.test(one.getSourceFile().fileName),
    );
    return (
      flags & ts.SymbolFlags.TypeParameter || isGlobal || exported.has(original(checker, symbol))
    );
  };
  return (context) => (root) => {
    const visit = (node: ts.Node): ts.Node => {
      const source = ts.isTypeReferenceNode(node) && ts.getParseTreeNode(node);
      if (source && ts.isTypeReferenceNode(source) && !isKnown(source)) {
        const type = checker.getTypeFromTypeNode(source);
        return checker.typeToTypeNode(type, undefined, nodeFlags) ?? node;
      }
      return ts.visitEachChild(node, visit, context);
    };
    return ts.visitEachChild(root as ts.SourceFile, visit, context);
  };
}
