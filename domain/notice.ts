import Type, { type Static } from "typebox";
import { dataLimit } from "../contracts/notifications.ts";
import { exactly, id, instant, text } from "../contracts/schema.ts";

/** One notice as stored; its `_id` joins user and notice id, so that de-duplication is an insert. */
export const NoticeDocument = exactly({
  _id: Type.String({ minLength: 3, maxLength: 129 }),
  v: Type.Literal(1),
  id,
  userId: id,
  type: text(1, 64),
  text: text(1, 1000),
  /** As JSON text: nothing is looked up by it, and it is kept to the letter, whatever its keys and however deep. */
  data: Type.String({ maxLength: dataLimit }),
  createdAt: instant,
  isRead: Type.Boolean(),
});
export type NoticeDocument = Static<typeof NoticeDocument>;
