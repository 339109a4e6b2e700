import Type, { type Static } from "typebox";
import { currency, exactly, nullable } from "./schema.ts";

/** What a page must know of this installation: `GET /config.json`. */
export const Config = exactly({
  /** Where the sockets are; null: at the host name of this server, on `socketPort`. */
  socketUrl: nullable(Type.String()),
  /** 0 if the sockets took a free port in another process, which only `socketUrl` can tell then. */
  socketPort: Type.Integer({ minimum: 0, maximum: 65_535 }),
  currency,
});
export type Config = Static<typeof Config>;
