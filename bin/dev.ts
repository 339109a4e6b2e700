/** The embedded market with a REPL, for development: `npm run dev`, which restarts it when a file changes. */
import { startNode } from "./node.ts";
import { freshPage } from "./web-build.ts";

try {
  const fault = await freshPage();
  if (fault) console.error(fault);
  (await startNode()).repl();
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
