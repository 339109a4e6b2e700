import { join } from "node:path";
import { env } from "../broker/env.ts";
import { schema } from "../broker/provide.ts";
import { gateway, type Gateway } from "../mixins/gateway.ts";
import { identity } from "../mixins/identity.ts";

/** HTTP for everyone outside: each route of contracts/routes.ts is one action of another service. Owns nothing. */
export default schema<Gateway>({
  name: "api",
  mixins: [gateway, identity],
  settings: {
    port: env.port,
    ip: env.host,
    origins: env.corsOrigins,
    trustedProxies: env.trustedProxies,
    page: join(import.meta.dirname, "../web/dist"),
    socketUrl: env.socketUrl,
    socketPort: env.socketPort,
    currency: env.currency,
    /** Calls of one service at once, before new ones are refused: well above the thousand that are promised… */
    mostInFlight: Math.ceil(2_000 * env.rateScale),
    /** …and while it is slow: above the 150 passwords that users may have waiting, and enough to keep a node and its database busy. */
    fewestInFlight: Math.ceil(200 * env.rateScale),
  },
});
