import type { Server } from "node:http";
import type { Middleware, ServiceBroker } from "moleculer";
import { env, type Env } from "../broker/env.ts";
import { expositionOf, expositionType } from "../broker/metrics/exposition.ts";
import { shared } from "./readiness.ts";
import { endResponse } from "./reply.ts";
import { createServer, listen } from "./server.ts";

/** Serves GET /metrics on METRICS_PORT, when it is set: for operators, never for users. */
export function operations({
  metricsPort,
  metricsHost,
}: Pick<Env, "metricsPort" | "metricsHost"> = env): Middleware {
  let server: Server | undefined;
  return {
    name: "Operations",
    // Before the transporter and the services start: a node that cannot start shows why it waits.
    async starting(broker: ServiceBroker) {
      if (metricsPort === undefined) return;
      server = operationsServer(shared(() => expositionOf(broker)));
      const { address, port } = await listen(server, metricsPort, metricsHost, "METRICS_PORT");
      broker.logger.info(`Serving metrics on http://${address}:${port}/metrics`);
    },
    async stopped() {
      server?.close();
      server?.closeAllConnections();
    },
  };
}

function operationsServer(exposition: () => Promise<string>): Server {
  return createServer(async (req, res) => {
    const isRead = req.method === "GET" || req.method === "HEAD";
    const isMetrics = req.url?.split("?")[0] === "/metrics";
    const [status, body] = !isMetrics
      ? [404, "There is no such page. The metrics are at /metrics.\n"]
      : !isRead
        ? [405, "Only GET is accepted.\n"]
        : [200, await exposition()];
    res.writeHead(status, {
      "content-type": status === 200 ? expositionType : "text/plain; charset=utf-8",
      "content-length": Buffer.byteLength(body),
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      ...(status === 405 && { allow: "GET, HEAD" }),
    });
    endResponse(req, res, req.method === "HEAD" ? undefined : body);
  });
}
