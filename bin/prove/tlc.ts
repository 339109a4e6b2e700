/** Runs TLC on a model. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { tlcJar } from "./jar.ts";

const folder = join(import.meta.dirname, "../../proof");

/** The modules of `proof/`: their texts by name. */
export const modules = (): Record<string, string> =>
  Object.fromEntries(
    readdirSync(folder)
      .filter((file) => file.endsWith(".tla"))
      .map((file) => [basename(file, ".tla"), readFileSync(join(folder, file), "utf8")]),
  );

export interface Check {
  /** The module with `Spec`. */
  module: string;
  /** The definition of what is interchangeable. Not for properties with "in the end". */
  symmetry?: string | undefined;
  /** The values of its constants, in TLA+; `<-` is a definition of the module. */
  constants: Record<string, string>;
  invariants?: string[];
  /** Properties of behaviours. */
  properties?: string[];
  /** The definition whose behaviours are checked; `Spec` unless given. */
  specification?: string;
}

export interface Outcome {
  /** "" when every property holds; otherwise what TLC reports. */
  error: string;
  /** Distinct states that were found. */
  states: number;
  /** States of the counterexample. */
  length: number;
  seconds: number;
  output: string;
}

const configOf = ({ symmetry, constants, specification, ...check }: Check) =>
  [
    "CONSTANTS",
    ...Object.entries(constants).map(([name, value]) =>
      value.startsWith("<-") ? ` ${name} ${value}` : ` ${name} = ${value}`,
    ),
    `SPECIFICATION ${specification ?? "Spec"}`,
    ...(symmetry ? [`SYMMETRY ${symmetry}`] : []),
    ...(check.invariants ?? []).map((name) => `INVARIANT ${name}`),
    ...(check.properties ?? []).map((name) => `PROPERTY ${name}`),
  ].join("\n");

/** Checks a model in a folder of its own. `texts` are the modules by name. */
export async function runTlc(check: Check, texts = modules(), workers = 1): Promise<Outcome> {
  const jar = await tlcJar();
  const directory = await mkdtemp(join(tmpdir(), "souk-proof-"));
  const startedAt = performance.now();
  try {
    await writeFile(join(directory, "check.cfg"), configOf(check));
    for (const [name, text] of Object.entries(texts))
      await writeFile(join(directory, `${name}.tla`), text);
    const options = ["-deadlock", "-workers", String(workers), "-config", "check.cfg"];
    const java = [
      "-XX:+UseSerialGC",
      "-XX:TieredStopAtLevel=1",
      "-Xmx1500m",
      "-cp",
      jar,
      "tlc2.TLC",
      ...options,
    ];
    const child = spawn("java", [...java, check.module], { cwd: directory });
    let output = "";
    child.stdout.on("data", (chunk) => (output += chunk));
    child.stderr.on("data", (chunk) => (output += chunk));
    const [code] = (await once(child, "close")) as [number | null];
    return outcomeOf(output, code, (performance.now() - startedAt) / 1000);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function outcomeOf(output: string, code: number | null, seconds: number): Outcome {
  const isComplete = code === 0 && output.includes("No error has been found.");
  const [, error = `TLC ended with ${code}.`] = /^Error: (.*)$/m.exec(output) ?? [];
  const [, states = "0"] = /^\d+ states generated, (\d+) distinct/m.exec(output) ?? [];
  const steps = [...output.matchAll(/^State (\d+):/gm)].map(([, number]) => Number(number));
  return {
    error: isComplete ? "" : error,
    states: Number(states),
    length: Math.max(0, ...steps),
    seconds,
    output,
  };
}
