import type { Server } from "node:http";
import { env } from "../broker/env.ts";
import { Counter } from "./counter.ts";
import { networkOf } from "./policy/client-address.ts";
import { concurrencyLimits } from "./policy/limits.ts";
import { scaled } from "./rate-scale.ts";

/**
 * Closes connections of one network above the limit before a byte is read. Behind proxies every
 * connection belongs to a proxy, which must limit its own clients.
 */
export function limitConnections(server: Server): void {
  if (env.trustedProxies > 0) return;
  const open = new Counter();
  const max = scaled(concurrencyLimits.connectionsByNetwork);
  server.on("connection", (socket) => {
    const network = networkOf(socket.remoteAddress ?? "");
    socket.once("close", () => open.decrement(network));
    if (open.increment(network) > max) socket.destroy();
  });
}
