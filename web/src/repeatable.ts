/** What creates something is sent with an idempotency key, so that it can be sent again when its answer was lost. */
import type { Item, Offer, Souk } from "../../client/index.ts";
import { newKey } from "../../client/idempotency-key.ts";

/** Gives the same content the same key, and changed content a new one. */
export function keyPerContent(): (content: object) => string {
  let last: { text: string; key: string } | undefined;
  return (content) => {
    const text = JSON.stringify(content);
    if (last?.text !== text) last = { text, key: newKey() };
    return last.key;
  };
}

/** Keeps a text between visits; "" when there is none. */
export interface KeptText {
  get(): string;
  set(text: string): void;
}

/** An offer that was sent, and whose answer has not come. */
interface PendingOffer {
  userId: string;
  offer: Offer & { idempotencyKey: string };
  /** The form that sent it. After a reload it is another one. */
  form?: symbol;
}

/**
 * Offers what one form contains, so that it makes one item however often it is sent before an answer comes: also after a reload if it was not
 * changed. If it was changed in the form, the item of the pending offer gets the changes.
 */
export function offerForm(souk: Pick<Souk, "offer" | "revise" | "session">, kept: KeptText) {
  const form = Symbol("form");
  let pending = parsePending(kept.get());

  const keep = (next: PendingOffer | undefined) => {
    pending = next;
    kept.set(next ? JSON.stringify(next) : "");
  };
  const send = async (sent: PendingOffer): Promise<Item> => {
    keep(sent);
    try {
      const item = await souk.offer(sent.offer);
      keep(undefined);
      return item;
    } catch (error) {
      // This content makes no item. After any other error an earlier attempt may have made it.
      if (isRefused(error)) keep(undefined);
      throw error;
    }
  };

  return async (offer: Offer): Promise<Item> => {
    const userId = souk.session.get().user?.id ?? "";
    const before = pending?.userId === userId ? pending : undefined;
    if (before && isSame(before.offer, offer)) return send({ ...before, form });
    if (before?.form === form) {
      const item = await send(before).catch((error: unknown) => {
        if (!isRefused(error)) throw error;
      });
      if (item) return souk.revise(item.id, offer);
    }
    return send({ userId, offer: { ...offer, idempotencyKey: newKey() }, form });
  };
}

const isRefused = (error: unknown) =>
  ["BAD_DATA", "IDEMPOTENCY_KEY_REUSED"].includes((error as { code?: string }).code ?? "");

const isSame = ({ idempotencyKey: _, ...sent }: Offer, offer: Offer) =>
  JSON.stringify(sent) === JSON.stringify(offer);

function parsePending(text: string): PendingOffer | undefined {
  try {
    const { userId, offer } = JSON.parse(text) as Partial<PendingOffer>;
    return userId !== undefined && offer?.idempotencyKey ? { userId, offer } : undefined;
  } catch {
    return undefined;
  }
}
