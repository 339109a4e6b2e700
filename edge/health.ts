import type { Server } from "node:http";
import type { Middleware, ServiceBroker } from "moleculer";
import { typedCall } from "../broker/context.ts";
import { env, type Env } from "../broker/env.ts";
import { services as dataServices } from "../contracts/actions.ts";
import type { Liveness, Readiness, ServiceState } from "../contracts/health.ts";
import { endResponse } from "./reply.ts";
import { createServer, listen } from "./server.ts";

/** Milliseconds in which a service must answer its health check. */
const checkTimeoutMs = 900;

type DataService = (typeof dataServices)[number];

/** Checks each service that owns data, on any node. */
export async function marketReadiness(broker: ServiceBroker): Promise<Readiness> {
  const states = await Promise.all(
    dataServices.map(async (name) => [name, await stateOf(broker, name)] as const),
  );
  return toReadiness({ api: "up", ...Object.fromEntries(states) });
}

/** Checks the services of this node. */
async function nodeReadiness(
  broker: ServiceBroker,
  hosted: readonly DataService[],
): Promise<Readiness> {
  const isDisconnected = broker.transit?.connected === false;
  const states = hosted.map(
    async (name) =>
      [name, isDisconnected ? "disconnected" : await stateOf(broker, name, broker.nodeID)] as const,
  );
  return toReadiness(Object.fromEntries(await Promise.all(states)));
}

const toReadiness = (services: Record<string, ServiceState>): Readiness => ({
  status: Object.values(services).every((state) => state === "up") ? "ready" : "not ready",
  services,
});

async function stateOf(
  broker: ServiceBroker,
  name: DataService,
  nodeID?: string,
): Promise<ServiceState> {
  try {
    const options = { timeout: checkTimeoutMs, retries: 0, ...(nodeID && { nodeID }) };
    await typedCall(broker)(`${name}.health`, {}, options);
    return "up";
  } catch (error) {
    // The service itself throws UNAVAILABLE; an unreachable service is an error of Moleculer, of another type.
    const { type } = error as { type?: string };
    return type === "UNAVAILABLE" ? "database unreachable" : "unreachable";
  }
}

/** Runs one check at a time: callers that arrive during a check share its result. */
export function shared<T>(check: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined;
  return () => (running ??= check().finally(() => (running = undefined)));
}

/** Serves GET /health/live and /health/ready on HEALTH_PORT, when it is set, for a node without api. */
export function nodeHealth({
  healthPort,
  services,
  host,
}: Pick<Env, "healthPort" | "services" | "host"> = env): Middleware {
  let server: Server | undefined;
  return {
    name: "NodeHealth",
    // Before the transporter and the services start: "live" means only that this process runs.
    async starting(broker: ServiceBroker) {
      if (healthPort === undefined || services.length === 0 || services.includes("api")) return;
      const hosted = dataServices.filter((name) => services.includes(name));
      server = healthServer(shared(() => nodeReadiness(broker, hosted)));
      const { port } = await listen(server, healthPort, host, "HEALTH_PORT");
      broker.logger.info(`Serving health checks on http://${host}:${port}/health/ready`);
    },
    async stopped() {
      server?.close();
      server?.closeAllConnections();
    },
  };
}

function healthServer(readiness: () => Promise<Readiness>): Server {
  return createServer(async (req, res) => {
    const [status, body] = await respond(req.method, req.url, readiness);
    res.writeHead(status, {
      "content-type": "application/json; charset=utf-8",
      "cache-control": "no-store",
    });
    endResponse(req, res, JSON.stringify(body));
  });
}

async function respond(
  method: string | undefined,
  url: string | undefined,
  readiness: () => Promise<Readiness>,
): Promise<[number, object]> {
  if (method !== "GET" && method !== "HEAD") return [405, { status: "method not allowed" }];
  if (url === "/health/live") return [200, { status: "live" } satisfies Liveness];
  if (url !== "/health/ready") return [404, { status: "not found" }];
  const found = await readiness();
  return [statusOf(found), found];
}

export const statusOf = ({ status }: Readiness) => (status === "ready" ? 200 : 503);
