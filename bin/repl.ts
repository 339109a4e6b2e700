/** A node without services that joins the cluster at AMQP_URL and NAMESPACE, with Moleculer's REPL for operators. */
import { startNode } from "./node.ts";

process.env.SERVICES = "";
try {
  (await startNode()).repl();
} catch (error) {
  console.error((error as Error).message);
  process.exit(1);
}
