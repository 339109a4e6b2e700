import type { AccountDocument } from "../../domain/account.ts";
import type { KindOf } from "../../domain/outbox.ts";
import type { Kind } from "../../outbox/kind.ts";

/** The messages that accounts send. */
export const messages: { [K in KindOf<AccountDocument>]: Kind<AccountDocument> } = {
  /** The mail with the newest link. What is secret in it is asked for when it is sent. */
  verification: {
    action: "deliveries.accountMail",
    message: ({ _id: userId, verification }) => ({
      id: verification!.latest,
      userId,
      kind: "verification",
    }),
    isCancelled: ({ verifiedAt }) => verifiedAt !== undefined,
  },
  /** The address was verified: from now on, notices are also sent to it. */
  mailable: {
    action: "notifications.setMailable",
    message: ({ _id: userId, language = "en" }) => ({ userId, isMailable: true, language }),
  },
};
