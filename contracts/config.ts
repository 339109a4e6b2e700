import Type, { type Static } from "typebox";
import { digitsRule } from "./currencies.ts";
import { currency, exactly, nullable } from "./schema.ts";

/** The settings that a page needs: `GET /config.json`. */
export const Config = exactly({
  /** The URL of the sockets; null when they are at this host, on `socketPort`. */
  socketUrl: nullable(Type.String()),
  /** 0 when the sockets chose a free port in another process; then set SOCKET_URL. */
  socketPort: Type.Integer({ minimum: 0, maximum: 65_535 }),
  /** The public key that browsers subscribe to web push with, in base64url; null when web push is off. */
  pushKey: nullable(Type.String()),
  /** The currency of new items. */
  currency,
  currencyDigits: Type.Integer({
    minimum: 0,
    maximum: 4,
    description: `The number of digits of the currency's minor unit. ${digitsRule()}`,
  }),
});
export type Config = Static<typeof Config>;
