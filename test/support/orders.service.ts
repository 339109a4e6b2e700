/** A service whose documents have outboxes with three kinds of messages. The market's have one. */
import Type, { type Static } from "typebox";
import { define } from "../../broker/define.ts";
import { exactly, id } from "../../contracts/schema.ts";
import { outboxOf } from "../../domain/outbox.ts";
import { collection, type Open } from "../../mixins/collection.ts";
import { outbox, outboxIndexes } from "../../mixins/outbox.ts";

export const OrderDocument = exactly({
  _id: id,
  isPaid: Type.Boolean(),
  outbox: Type.Optional(outboxOf("notice", "mail", "reminder")),
});
export type OrderDocument = Static<typeof OrderDocument>;

// The contracts have no action for mails, so the test's services use the params of a notice.
const sendMail = "mails.send" as "notifications.notify";
const sendReminder = "reminders.send" as "notifications.notify";

const messageOf = (kind: string) => (order: OrderDocument) => ({
  id: `${order._id}-${kind}`,
  userId: "seller",
  text: `A ${kind} of order ${order._id}.`,
});

export const orders = (open: Open) =>
  define({
    name: "orders",

    mixins: [
      outbox<OrderDocument>({
        notice: {
          action: "notifications.notify",
          message: messageOf("notice"),
          batch: { action: "notifications.notifyAll", params: (notices) => ({ notices }) },
        },
        mail: { action: sendMail, message: messageOf("mail") },
        reminder: {
          action: sendReminder,
          message: messageOf("reminder"),
          isCancelled: async (order) => order.isPaid,
        },
      }),
      collection({ name: "orders", document: OrderDocument, indexes: [...outboxIndexes] }, open),
    ],
  });
