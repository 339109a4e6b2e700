import type { Server } from "node:http";
import type { Middleware, ServiceBroker } from "moleculer";
import { env, type Env } from "../broker/env.ts";
import { services as dataServices } from "../contracts/actions.ts";
import type { Liveness, Readiness } from "../contracts/health.ts";
import { Peers } from "./peers.ts";
import { liveness, nodeReadiness, shared, statusOf } from "./readiness.ts";
import { endResponse } from "./reply.ts";
import { createServer, listen } from "./server.ts";

/** Serves GET /health/live and /health/ready on HEALTH_PORT, when it is set, for a node without api. */
export function nodeHealth({
  healthPort,
  services,
  host,
}: Pick<Env, "healthPort" | "services" | "host"> = env): Middleware {
  let server: Server | undefined;
  const peers = new Peers();
  return {
    name: "NodeHealth",
    created: (broker: ServiceBroker) => peers.watch(broker),
    // Before the transporter and the services start: the node is live then, and not ready.
    async starting(broker: ServiceBroker) {
      if (healthPort === undefined || services.length === 0 || services.includes("api")) return;
      const hosted = dataServices.filter((name) => services.includes(name));
      server = healthServer({
        live: async () => liveness(broker),
        ready: shared(() => nodeReadiness(broker, hosted, peers)),
      });
      const { port } = await listen(server, healthPort, host, "HEALTH_PORT");
      broker.logger.info(`Serving health checks on http://${host}:${port}/health/ready`);
    },
    async stopped() {
      server?.close();
      server?.closeAllConnections();
    },
  };
}

interface Checks {
  live(): Promise<Liveness>;
  ready(): Promise<Readiness>;
}

function healthServer(checks: Checks): Server {
  return createServer(async (req, res) => {
    const [status, body] = await respond(req.method, req.url, checks);
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
  { live, ready }: Checks,
): Promise<[number, object]> {
  if (method !== "GET" && method !== "HEAD") return [405, { status: "method not allowed" }];
  if (url !== "/health/live" && url !== "/health/ready") return [404, { status: "not found" }];
  const found = await (url === "/health/live" ? live() : ready());
  return [statusOf(found), found];
}
