/**
 * Prints how many functions of Moleculer's libraries run in `npm run demo`: `npx node bench/coverage.ts`, or with `--list` also the names
 * of those that do not. The figures come from V8's coverage of all processes of the demo. V8 does not see functions inside a function
 * that never ran, so the total grows when more of a library runs.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { temporaryFolder } from "../bin/processes/node-process.ts";

const root = join(import.meta.dirname, "..");
const libraries = ["moleculer-db", "moleculer-io", "moleculer-web"];

/** The part of V8's report that counts here. The first range of a function spans all of it. */
interface Report {
  result: { url: string; functions: FunctionReport[] }[];
}
interface Range {
  startOffset: number;
  endOffset: number;
  count: number;
}
interface FunctionReport {
  functionName: string;
  ranges: [Range, ...Range[]];
}

interface LibraryFunction {
  /** File and name. */
  name: string;
  isExecuted: boolean;
}

async function runDemo(folder: string): Promise<void> {
  const demo = spawn("npm", ["run", "demo"], {
    cwd: root,
    env: { ...process.env, NODE_V8_COVERAGE: folder },
    stdio: ["ignore", "ignore", "inherit"],
  });
  const [code] = (await once(demo, "exit")) as [number | null];
  if (code !== 0) throw new Error(`The demo exited with code ${code}.`);
}

/** The functions of the library's own source by position, executed in any of the processes. Module wrappers do not count. */
function functionsOf(library: string, reports: Report[]): LibraryFunction[] {
  const source = join(root, "node_modules", library, "src");
  const found = new Map<string, LibraryFunction>();
  for (const { url, functions } of reports.flatMap(({ result }) => result)) {
    const path = url.startsWith("file:") ? fileURLToPath(url) : url;
    if (!path.startsWith(source)) continue;
    for (const { functionName, ranges } of functions) {
      const [{ startOffset, endOffset, count }] = ranges;
      const isModuleWrapper = functionName === "" && startOffset === 0;
      if (isModuleWrapper) continue;
      const file = path.slice(source.length + 1);
      const key = `${file}:${startOffset}-${endOffset}`;
      const isExecuted = count > 0 || found.get(key)?.isExecuted === true;
      found.set(key, { name: `${file} ${functionName || "(anonymous)"}`, isExecuted });
    }
  }
  return [...found.values()];
}

const folder = temporaryFolder();
try {
  await runDemo(folder.path);
  const reports = readdirSync(folder.path).map(
    (file) => JSON.parse(readFileSync(join(folder.path, file), "utf8")) as Report,
  );
  for (const library of libraries) {
    const functions = functionsOf(library, reports);
    const executed = functions.filter(({ isExecuted }) => isExecuted);
    console.log(`${library}: ${executed.length} of ${functions.length} functions run`);
    if (process.argv.includes("--list"))
      for (const { name, isExecuted } of functions) if (!isExecuted) console.log(`  not ${name}`);
  }
} finally {
  folder.remove();
}
