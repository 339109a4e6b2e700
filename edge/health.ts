import type { Middleware, ServiceBroker } from "moleculer";
import type { Server } from "node:http";
import { env, type Env } from "../broker/env.ts";
import { typedCall } from "../broker/provide.ts";
import { services as owners } from "../contracts/actions.ts";
import { createServer, finish, listen } from "./server.ts";

/** Milliseconds that a service has to say how it is. */
const patience = 900;

/** "away": nobody answers. "cut off": it runs here, but this node has lost the message broker. */
export type State = "up" | "away" | "database away" | "cut off";

type Owner = (typeof owners)[number];
const isOwner = (name: string): name is Owner => name !== "api";

export interface Readiness {
  status: "ready" | "not ready";
  services: Record<string, State>;
}

/** Asks each service that owns data, wherever it runs. */
export async function marketReadiness(broker: ServiceBroker): Promise<Readiness> {
  const states = await Promise.all(
    owners.map(async (name) => [name, await stateOf(broker, name)] as const),
  );
  return summary({ api: "up", ...Object.fromEntries(states) });
}

/** Asks the services of this node alone. */
async function nodeReadiness(broker: ServiceBroker, hosted: readonly Owner[]): Promise<Readiness> {
  const isCutOff = broker.transit?.connected === false;
  const states = hosted.map(
    async (name) =>
      [name, isCutOff ? "cut off" : await stateOf(broker, name, broker.nodeID)] as const,
  );
  return summary(Object.fromEntries(await Promise.all(states)));
}

const summary = (services: Record<string, State>): Readiness => ({
  status: Object.values(services).every((state) => state === "up") ? "ready" : "not ready",
  services,
});

async function stateOf(broker: ServiceBroker, name: Owner, nodeID?: string): Promise<State> {
  try {
    await typedCall(broker)(
      `${name}.health`,
      {},
      { timeout: patience, retries: 0, ...(nodeID && { nodeID }) },
    );
    return "up";
  } catch (error) {
    // The service's own UNAVAILABLE; nobody being there is an error of Moleculer's, of another type.
    return (error as { type?: string }).type === "UNAVAILABLE" ? "database away" : "away";
  }
}

/** One question at a time, however many ask: the answer of the one under way serves all. */
export function shared<T>(ask: () => Promise<T>): () => Promise<T> {
  let underWay: Promise<T> | undefined;
  return () => (underWay ??= ask().finally(() => (underWay = undefined)));
}

/** For a node that does not host api: GET /health/live and /health/ready on HEALTH_PORT, when that is set. */
export function nodeHealth({
  healthPort,
  services,
  host,
}: Pick<Env, "healthPort" | "services" | "host"> = env): Middleware {
  let server: Server | undefined;
  return {
    name: "NodeHealth",
    // Before the transporter and the services: live means that this process runs, whatever else is away.
    async starting(broker: ServiceBroker) {
      if (healthPort === undefined || services.length === 0 || services.includes("api")) return;
      server = healthServer(shared(() => nodeReadiness(broker, services.filter(isOwner))));
      const { port } = await listen(server, healthPort, host, "HEALTH_PORT");
      broker.logger.info(`Health is told on http://${host}:${port}/health/ready`);
    },
    async stopped() {
      server?.close();
      server?.closeAllConnections();
    },
  };
}

function healthServer(readiness: () => Promise<Readiness>): Server {
  return createServer(async (req, res) => {
    const [status, body] = await answerTo(req.method, req.url, readiness);
    res.writeHead(status, {
      "content-type": "application/json; charset=utf-8",
      "cache-control": "no-store",
    });
    finish(req, res, JSON.stringify(body));
  });
}

async function answerTo(
  method: string | undefined,
  url: string | undefined,
  readiness: () => Promise<Readiness>,
): Promise<[number, object]> {
  if (method !== "GET" && method !== "HEAD") return [405, { status: "method not allowed" }];
  if (url === "/health/live") return [200, { status: "live" }];
  if (url !== "/health/ready") return [404, { status: "not found" }];
  const found = await readiness();
  return [statusOf(found), found];
}

export const statusOf = ({ status }: Readiness) => (status === "ready" ? 200 : 503);
