/**
 * Runs a node: `bin/launch.sh bin/service.ts [NAME …]` hosts the named services; without names, all. SIGTERM drains
 * and stops it. Exits with 1 and one sentence when it cannot start.
 */
import { startNode } from "./node.ts";
import { bundleTypeBox } from "./typebox.ts";
import { freshPage } from "./web-build.ts";

const names = process.argv.slice(2);

try {
  const hosted = names.length > 0 ? names : (process.env.SERVICES || "api").split(",");
  await bundleTypeBox();
  const fault = hosted.includes("api") && (await freshPage());
  if (fault) console.error(fault);
  await startNode(names);
} catch (error) {
  console.error((error as Error).message);
  process.exit(1);
}
