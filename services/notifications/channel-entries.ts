import { refusal } from "../../broker/refusal.ts";
import type { Creation } from "../../domain/creation.ts";
import type { RecipientDocument, StoredWebhook } from "../../domain/recipient.ts";
import { isHeld, keyReused } from "../../store/insert-once.ts";

/** The subscription or webhook that the same request made before. Throws IDEMPOTENCY_KEY_REUSED when it was another request. */
export function madeBefore<T extends { creation?: Creation }>(
  all: T[],
  creation: Creation | undefined,
  now: Date,
): T | undefined {
  const found = all.find(
    (one) => creation && one.creation?.key === creation.key && isHeld(one.creation, now),
  );
  if (found && found.creation!.request !== creation!.request) throw keyReused();
  return found;
}

/** A webhook of the user. Throws NOT_FOUND. */
export function webhookIn({ webhooks }: RecipientDocument, id: string): StoredWebhook {
  const found = webhooks.find((one) => one.id === id);
  if (!found) throw refusal("NOT_FOUND", "There is no such webhook.");
  return found;
}
