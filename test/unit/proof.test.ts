import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { models } from "../../bin/prove/models.ts";
import { checkOf, mutants, patched } from "../../bin/prove/mutants.ts";
import { modules } from "../../bin/prove/tlc.ts";

const root = join(import.meta.dirname, "../..");
const texts = modules();

/** A definition of a model, with the comment lines directly above it. */
interface Definition {
  name: string;
  comment: string;
  body: string;
}

const definitionsOf = (text: string): Definition[] =>
  [
    ...text.matchAll(
      /^((?:(?:\(\*|\\\*).*\n)*)([A-Z]\w*)(?:\([^)]*\))? ==((?:.*\n(?![A-Z(\\=-]))*.*)/gm,
    ),
  ].map(([, comment = "", name = "", body = ""]) => ({ name, comment, body }));

const all = Object.entries(texts).flatMap(([module, text]) =>
  definitionsOf(text).map((definition) => ({ module, ...definition })),
);
const references = all.flatMap(({ module, name, comment }) =>
  [...comment.matchAll(/^\\\* Code: (\S+) (\S+)$/gm)].map(
    ([, file = "", symbol = ""]) => [`${module}.${name}`, file, symbol] as const,
  ),
);

/** The names of functions, methods, constants and properties that a file declares. */
function declaredIn(file: string): Set<string> {
  const source = ts.createSourceFile(
    file,
    readFileSync(join(root, file), "utf8"),
    ts.ScriptTarget.Latest,
  );
  const names = new Set<string>();
  const visit = (node: ts.Node): void => {
    const isDeclaration =
      ts.isFunctionDeclaration(node) ||
      ts.isMethodDeclaration(node) ||
      ts.isVariableDeclaration(node) ||
      ts.isPropertyDeclaration(node) ||
      ts.isPropertyAssignment(node);
    if (
      isDeclaration &&
      node.name &&
      !ts.isObjectBindingPattern(node.name) &&
      !ts.isArrayBindingPattern(node.name)
    )
      names.add(node.name.getText(source));
    ts.forEachChild(node, visit);
  };
  visit(source);
  return names;
}

describe("the models of the protocol", () => {
  it.each(references)("%s models a function of the code: %s has %s", (_, file, symbol) => {
    expect(declaredIn(file)).toContain(symbol);
  });

  it("name the function, or the fault, that each step models", () => {
    // The helpers of steps, and what is composed of steps.
    const composed =
      /^(Next|Spec|Init|RelayInit|RelayNext|RelayStep|Rest|WorkerStep|\w*Fairness|MarkAny|Outcome|SpendClock|Fault|Disturb|StayCalm|Age|Deliver|Find|Take|Fall|Observed|Observe|Unobserved)$/;
    const steps = all.filter(({ name, body }) => /\w'/.test(body) && !composed.test(name));

    const unnamed = steps.filter(
      ({ comment, body }) => !/\\\* (Code|Environment): /.test(comment) && !body.includes("[]["),
    );

    expect(steps.length).toBeGreaterThan(30);
    expect(unnamed.map(({ module, name }) => `${module}.${name}`)).toEqual([]);
  });

  it.each(mutants.map((mutant) => [mutant.name, mutant] as const))(
    "can be broken: %s",
    (_, mutant) => {
      expect(patched(mutant)).not.toEqual(texts);
      expect([
        ...((models[mutant.model] as { invariants?: string[] }).invariants ?? []),
        ...((models[mutant.model] as { properties?: string[] }).properties ?? []),
      ]).toContain(mutant.violates);
      expect(checkOf(mutant).module).toBe(models[mutant.model].module);
    },
  );

  it("are each checked, alone or as the base of one that is", () => {
    // SaleTrace judges recorded histories (test/chaos/conformance.ts).
    const checked = ["SaleTrace", ...Object.values(models).map(({ module }) => module as string)];
    const bases = Object.values(texts).flatMap((text) =>
      /^EXTENDS (.*)$/m.exec(text)![1]!.split(", "),
    );

    const files = readdirSync(join(root, "proof")).filter((file) => file.endsWith(".tla"));

    expect(files.filter((file) => ![...checked, ...bases].includes(file.slice(0, -4)))).toEqual([]);
  });
});
