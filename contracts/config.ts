import Type, { type Static } from "typebox";
import { currency, exactly, nullable } from "./schema.ts";

/** The settings that a page needs: `GET /config.json`. */
export const Config = exactly({
  /** The URL of the sockets; null when they are at this host, on `socketPort`. */
  socketUrl: nullable(Type.String()),
  /** 0 when the sockets chose a free port in another process; then set SOCKET_URL. */
  socketPort: Type.Integer({ minimum: 0, maximum: 65_535 }),
  currency,
});
export type Config = Static<typeof Config>;
