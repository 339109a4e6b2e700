/**
 * Runs and prints a story step by step: one sale on a private embedded market or, with `--outage`, a cluster whose
 * parts are killed. Exits with 0 only if each step held.
 */
import { outage } from "./demo/outage.ts";
import { sale } from "./demo/sale.ts";
import { say } from "./demo/steps.ts";

try {
  await (process.argv.includes("--outage") ? outage() : sale());
  say("The demo has ended. Every step held.");
} catch (error) {
  console.error((error as Error).message);
  // Exits at once: a server that is still starting would keep this process alive for minutes.
  process.exit(1);
}
