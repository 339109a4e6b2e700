import { join } from "node:path";
import { define } from "../broker/define.ts";
import { env } from "../broker/env.ts";
import { gateway, type GatewaySettings } from "../mixins/gateway.ts";

/** The HTTP interface for clients: each route of contracts/routes.ts is one action of another service. Owns no data. */
export default define({
  name: "api",
  mixins: [gateway],
  settings: {
    port: env.port,
    ip: env.host,
    origins: env.origins,
    trustedProxies: env.trustedProxies,
    pageFolder: join(import.meta.dirname, "../web/dist"),
    socketUrl: env.socketUrl,
    serviceWorker: env.serviceWorker,
    publicUrl: env.publicUrl,
    mailFolder: env.mailFolder,
    pushKey: env.pushKeys.public,
    socketPort: env.socketPort,
    currency: env.currency,
    accessLog: env.accessLog,
    // Well above the burst of a thousand requests that is promised.
    maxInFlight: Math.ceil(2_000 * env.rateScale),
    // Above the 150 passwords that may wait to be hashed, and enough to keep a node and its database busy.
    minInFlight: Math.ceil(200 * env.rateScale),
    // As many as a node takes from RabbitMQ, and twice its database connections. In an embedded market one thread reads, one
    // call after the other; writes are many there too, because they share an fsync.
    readsPerNode: env.embedded ? 8 : 100,
    writesPerNode: 100,
  } satisfies GatewaySettings,
});
