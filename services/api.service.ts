import { join } from "node:path";
import { env } from "../broker/env.ts";
import { schema } from "../broker/provide.ts";
import { gateway, type Gateway } from "../mixins/gateway.ts";
import { identity } from "../mixins/identity.ts";

/** HTTP for everyone outside: each route of contracts/http.ts is one action of another service. Owns nothing. */
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
    /** Requests at once, before new ones are refused: well above the thousand that are promised. */
    mostInFlight: Math.ceil(2_000 * env.rateScale),
  },
});
