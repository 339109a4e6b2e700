import Type, { type Static } from "typebox";
import { action, cursor, exactly, id, instant, limit, nextCursor } from "./schema.ts";

/** What a document owes: somebody is to be told of it. Written together with what happened, and paid afterwards. */
export const Debt = exactly({
  /** `refused`: whoever is to be told says that the notice is not valid; it is set aside until an operator replays it. */
  state: Type.Enum(["pending", "told", "refused"]),
  /** How often it was tried in vain. */
  attempts: Type.Integer({ minimum: 0 }),
  /** While it is pending: nobody else pays it before then. */
  dueAt: Type.Optional(instant),
  /** Who claimed it last; two who claim at once find out by this whose it is. */
  claim: Type.Optional(id),
  refusedAt: Type.Optional(instant),
  reason: Type.Optional(Type.String()),
});
export type Debt = Static<typeof Debt>;

/** A debt as an operator sees it: `id` is that of the document that owes. */
const Owed = Type.Object({ id, ...Debt.properties }, { additionalProperties: false });
export type Owed = Static<typeof Owed>;

/** For operators, by the REPL: no route leads here. */
export const debtActions = {
  /** Those refused, the last first; or those pending, the first due first. `count` is how many there are. */
  debts: action(
    exactly({
      state: Type.Enum(["pending", "refused"]),
      limit: Type.Optional(limit),
      cursor: Type.Optional(cursor),
    }),
    exactly({ count: Type.Integer({ minimum: 0 }), debts: Type.Array(Owed), nextCursor }),
  ),
  /** Makes refused debts due again: that one, or all. */
  replay: action(
    exactly({ id: Type.Optional(id) }),
    exactly({ replayed: Type.Integer({ minimum: 0 }) }),
  ),
};
