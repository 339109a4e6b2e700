/**
 * Proves the protocol: TLC checks the models in proof/, and must find a counterexample for each mutant. Exits with 1 when a model is
 * violated or a mutant passes. `--only TEXT` selects by name; `--json --outputFile=FILE` writes the counts as Jest does.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import pLimit from "p-limit";
import { checkJava, tlcJar } from "./prove/jar.ts";
import { models, type Model } from "./prove/models.ts";
import { checkOf, mutants, patched, type Mutant } from "./prove/mutants.ts";
import { runTlc, type Outcome } from "./prove/tlc.ts";

const { values } = parseArgs({
  options: {
    only: { type: "string", default: "" },
    json: { type: "boolean" },
    outputFile: { type: "string" },
  },
});
/** TLC runs at once, with one thread each: the first counterexample is then a shortest one. */
const concurrency = 2;

interface Row {
  name: string;
  isExpected: boolean;
  text: string;
}

const measures = ({ states, seconds }: Outcome) =>
  `${states.toLocaleString("en")} states, ${seconds.toFixed(1)} s`;

async function prove(model: Model): Promise<Row> {
  const outcome = await runTlc(model);
  const isExpected = outcome.error === "";
  if (!isExpected) console.error(outcome.output);
  const text = `${isExpected ? "holds" : outcome.error}: ${measures(outcome)}`;
  return { name: model.name, isExpected, text };
}

async function refute(mutant: Mutant): Promise<Row> {
  const outcome = await runTlc(checkOf(mutant), patched(mutant));
  const isExpected = / violated\.?/.test(outcome.error);
  if (!isExpected) console.error(outcome.output);
  const found = isExpected
    ? `${mutant.violates} is violated after ${outcome.length} states`
    : `SURVIVED ${outcome.error}`;
  return { name: mutant.name, isExpected, text: `${found}: ${measures(outcome)}` };
}

async function main(): Promise<number> {
  await checkJava();
  await tlcJar();
  const isSelected = ({ name }: { name: string }) => name.includes(values.only);
  const startedAt = performance.now();
  const tasks = [
    ...Object.values<Model>(models)
      .filter(isSelected)
      .map((model) => () => prove(model)),
    ...mutants
      .map((mutant) => ({ ...mutant, name: `mutant: ${mutant.name}` }))
      .filter(isSelected)
      .map((mutant) => () => refute(mutant)),
  ];
  const rows = await pLimit(concurrency).map(tasks, async (task) => {
    const row = await task();
    console.log(`${row.isExpected ? "✓" : "✗"} ${row.name}\n    ${row.text}`);
    return row;
  });
  const failed = rows.filter(({ isExpected }) => !isExpected).length;
  const seconds = Math.round((performance.now() - startedAt) / 1000);
  console.log(`${rows.length - failed} passed, ${failed} failed, ${seconds} s`);
  report(rows.length - failed, failed);
  return failed > 0 || rows.length === 0 ? 1 : 0;
}

function report(passed: number, failed: number): void {
  const none = { numRuntimeErrorTestSuites: 0, numPendingTests: 0, numTodoTests: 0 };
  const counts = { numPassedTests: passed, numFailedTests: failed, ...none };
  if (values.outputFile) writeFileSync(values.outputFile, JSON.stringify(counts));
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error((error as Error).message);
  report(0, 1);
  process.exitCode = 1;
}
