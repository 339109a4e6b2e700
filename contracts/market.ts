import Type, { type Static } from "typebox";
import { picturePattern } from "./picture-url.ts";
import { count, outboxActions, replaySince } from "./outbox.ts";
import {
  action,
  amount,
  currency,
  cursor,
  exactly,
  health,
  id,
  idOf,
  idempotencyKey,
  instant,
  limit,
  line,
  nextCursor,
  nullable,
  prose,
  text,
} from "./schema.ts";

const imageUrl = Type.String({
  description:
    "A picture: a URL that begins with https:// or http://, without user and password, or a path of this server.",
  examples: ["https://shop.example/lamp.jpg"],
  maxLength: 2048,
  pattern: picturePattern,
});
const titles = {
  description: "What is for sale, in at most 200 characters. White space around it is removed.",
  examples: ["A brass lamp"],
};
const title = text(1, 200, titles);
/** Trimmed when stored. */
const newTitle = line(200, titles);
/** How many times the seller has changed the item. */
const revision = Type.Integer({
  minimum: 0,
  maximum: Number.MAX_SAFE_INTEGER,
  description:
    "How many times the seller has changed the item. A buy with it fails when the seller has changed the item since.",
});
const descriptions = {
  description: "More about the item, in at most 5,000 characters.",
  examples: ["Hammered, from about 1920."],
};
const description = text(0, 5000, descriptions);
const newDescription = prose(5000, descriptions);

/** The public fields of an item. */
const shown = {
  title,
  description,
  price: amount,
  currency,
  imageUrl: nullable(imageUrl),
  sellerId: id,
  isSold: Type.Boolean(),
  createdAt: instant,
  soldAt: nullable(instant),
};

export const Item = exactly({ id, ...shown, revision });
export type Item = Static<typeof Item>;

/** Its `id` is the `saleId`. Only buyer and seller see it. */
export const Sale = exactly({
  id,
  itemId: id,
  title,
  price: amount,
  currency,
  sellerId: id,
  buyerId: id,
  soldAt: instant,
});
export type Sale = Static<typeof Sale>;

/** A sale that was lost, from its notice. Notices of version 0.1.0 do not name the buyer. */
export const LostSale = exactly({ ...Sale.properties, buyerId: Type.Optional(id) });
export type LostSale = Static<typeof LostSale>;

/** A sale that could not be restored, and why. */
export const Conflict = exactly({ saleId: id, itemId: id, reason: Type.String() });
export type Conflict = Static<typeof Conflict>;

const paging = { limit: Type.Optional(limit), cursor: Type.Optional(cursor) };
const Items = exactly({ items: Type.Array(Item), nextCursor });
const Sales = exactly({ sales: Type.Array(Sale), nextCursor });
const offered = {
  title: newTitle,
  description: newDescription,
  price: amount,
  imageUrl: nullable(imageUrl),
};

export const marketActions = {
  "market.items": action(
    exactly({
      /** Folded (domain/words.ts). */
      search: Type.Optional(
        Type.String({
          maxLength: 100,
          description:
            "Beginnings of words of title and description; an item must have them all. Case and accents do not count, and of many words the longest eight do.",
          examples: ["lan"],
        }),
      ),
      sellerId: Type.Optional(idOf("a user: only items of this seller")),
      sold: Type.Optional(
        Type.Boolean({
          description: "Only sold items, or only items that are for sale; without it, both.",
          examples: [false],
        }),
      ),
      sort: Type.Optional(
        Type.Enum(["newest", "price", "-price"], {
          description: "Newest first (the default), cheapest first or dearest first.",
        }),
      ),
      ...paging,
    }),
    Items,
  ),
  "market.item": action(exactly({ id: idOf("the item") }), Item),
  "market.offer": action(
    exactly({
      title: newTitle,
      description: Type.Optional(newDescription),
      price: amount,
      imageUrl: Type.Optional(nullable(imageUrl)),
      idempotencyKey: Type.Optional(idempotencyKey),
    }),
    Item,
  ),
  "market.revise": action(
    Type.Object(
      { id: idOf("the item"), ...Type.Partial(exactly(offered)).properties },
      { additionalProperties: false, minProperties: 2 },
    ),
    Item,
  ),
  "market.withdraw": action(exactly({ id: idOf("the item") }), Type.Null()),
  /** Sells the item to the caller, once. A repeated buy returns the same sale. With `price` or `revision`, sells only at that price or as that revision. */
  "market.buy": action(
    exactly({
      id: idOf("the item"),
      price: Type.Optional(amount),
      revision: Type.Optional(revision),
    }),
    exactly({ ok: Type.Literal(true), saleId: id }),
  ),
  "market.purchases": action(exactly(paging), Sales),
  "market.sales": action(exactly(paging), Sales),
  "market.outbox": outboxActions.outbox,
  /**
   * Without `since` as in every outbox. With it, for operators who restored notifications: sends the notice of every sale since
   * then again, and `replayed` is the number of these sales. A notice that is stored already stays as it is.
   */
  "market.replay": action(
    Type.Union([outboxActions.replay.params, exactly(replaySince)]),
    exactly({ replayed: count, nextCursor: Type.Optional(nextCursor) }),
  ),
  /**
   * Restores lost sales: items that are for sale are sold as they were, and items that are lost too are made again, without
   * description and picture. `restored` counts both, not the sales that are here already. For notifications.replay.
   */
  "market.restore": action(
    exactly({ sales: Type.Array(LostSale, { minItems: 1, maxItems: 100 }) }),
    exactly({ restored: count, conflicts: Type.Array(Conflict) }),
  ),
  "market.health": health,
};
