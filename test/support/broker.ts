/** Souk embedded in the test's own process, for tests that call actions through the broker. */
import type { ServiceBroker } from "moleculer";
import { typedCall, type Ctx } from "../../broker/context.ts";
import { temporaryFolder } from "../../bin/processes/node-process.ts";

/** A started broker whose `call` knows the contracts. */
export type TestBroker = Omit<ServiceBroker, "call"> & { call: Ctx<unknown>["call"] };

/**
 * Starts every service in this process, over files in a temporary folder and on free ports. `stop()` removes
 * the folder. The configuration is read once in a process, so a test file starts one broker.
 */
export async function startBroker(): Promise<TestBroker> {
  const folder = temporaryFolder();
  Object.assign(process.env, {
    DATA_DIR: folder.path,
    AMQP_URL: "", // the shared servers are for the cluster suites
    MONGO_URL: "",
    PORT: "0",
    SOCKET_PORT: "0",
    LOG_LEVEL: "error",
    RATE_SCALE: "1000",
  });
  const { startNode } = await import("../../bin/node.ts");
  const broker = await startNode([], { started: () => {}, stopped: () => folder.remove() });
  return Object.assign(broker, { call: typedCall(broker) });
}

/** The HTTP address of a service that listens: "api", or "notifications" for the sockets. */
export function addressOf(broker: TestBroker, service: "api" | "notifications"): string {
  const { port } = (
    broker.getLocalService(service) as unknown as { address(): { port: number } }
  ).address();
  return `http://127.0.0.1:${port}`;
}
