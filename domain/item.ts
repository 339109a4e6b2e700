import Type, { type Static } from "typebox";
import { Item } from "../contracts/market.ts";
import { Debt } from "../contracts/outbox.ts";
import { exactly, id } from "../contracts/schema.ts";

const { id: _id, ...shown } = Item.properties;

/** One item as stored. */
export const ItemDocument = exactly({
  _id,
  v: Type.Literal(1),
  ...shown,
  /** What `search` looks in: the distinct words of title and description, folded. */
  words: Type.Array(Type.String()),
  buyerId: Type.Optional(id),
  saleId: Type.Optional(id),
  /** The notice that the sale owes to the seller: part of the item, so that selling and owing are one write. */
  notice: Type.Optional(Debt),
});
export type ItemDocument = Static<typeof ItemDocument>;
