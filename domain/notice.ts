import Type, { type Static } from "typebox";
import { dataLimit } from "../contracts/notifications.ts";
import { exactly, id, instant, text } from "../contracts/schema.ts";

/** A stored notice. `_id` joins the ids of user and notice, so a duplicate is a violation of the unique key. */
export const NoticeDocument = exactly({
  _id: Type.String({ minLength: 3, maxLength: 129 }),
  v: Type.Literal(1),
  id,
  userId: id,
  type: text(1, 64),
  text: text(1, 1000),
  /** JSON text, which keeps any keys and any depth exactly. Never queried. */
  data: Type.String({ maxLength: dataLimit }),
  createdAt: instant,
  isRead: Type.Boolean(),
});
export type NoticeDocument = Static<typeof NoticeDocument>;
