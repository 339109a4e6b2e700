import Type, { type Static } from "typebox";
import { Item } from "../contracts/market.ts";
import { exactly, id, instant } from "../contracts/schema.ts";
import { Creation } from "./creation.ts";
import { outboxOf } from "./outbox.ts";

const { id: _id, revision, ...shown } = Item.properties;

/** One item as stored. */
export const ItemDocument = exactly({
  _id,
  v: Type.Literal(1),
  ...shown,
  /** Absent while the seller has changed nothing. */
  revision: Type.Optional(revision),
  /** What a search matches: the folded words of title and description (domain/words.ts). */
  words: Type.Array(Type.String()),
  /** The offer, if it had an idempotency key. */
  creation: Type.Optional(Creation),
  /** Present when only the creation is left (domain/withdrawn.ts). */
  withdrawnAt: Type.Optional(instant),
  buyerId: Type.Optional(id),
  saleId: Type.Optional(id),
  /** The seller's notice of the sale, written by the sale itself. */
  outbox: Type.Optional(outboxOf("notice")),
});
export type ItemDocument = Static<typeof ItemDocument>;
