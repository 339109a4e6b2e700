import { outboxIndexes } from "../../mixins/outbox.ts";
import { AccountDocument } from "../../domain/account.ts";
import type { Store } from "../../store/store.ts";
import { expiredSessions } from "./expired-sessions.ts";

/** The collection of accounts. Its indexes serve the queries of the users service. */
export const accounts = {
  name: "accounts",
  document: AccountDocument,
  indexes: [
    { fields: ["email"], unique: true },
    { fields: ["endedUntil"], sparse: true },
    ...outboxIndexes,
  ],
  sweeps: (store: Store<AccountDocument>) => [expiredSessions(store)],
};
