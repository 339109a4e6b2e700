/**
 * Tells a story step by step: of one sale, on a private embedded market; with `--outage`, of a cluster whose parts are killed. Exits
 * with 0 only if each step held.
 */
import { outage } from "./demo/outage.ts";
import { sale } from "./demo/sale.ts";
import { say } from "./demo/steps.ts";

try {
  await (process.argv.includes("--outage") ? outage() : sale());
  say("That is the whole story. It held.");
} catch (error) {
  console.error((error as Error).message);
  // At once: a server that is still starting would keep this process for minutes.
  process.exit(1);
}
