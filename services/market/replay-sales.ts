import type { ItemDocument } from "../../domain/item.ts";
import { salesSince } from "../../domain/sale.ts";
import { eachPage } from "../../store/replay.ts";
import type { Store } from "../../store/store.ts";

/** Sales that one write enqueues. */
const pageSize = 500;

/** Enqueues the notice of each sale since then again, for a notifications service that has lost some. `replayed` counts the sales. */
export async function replaySales(
  store: Store<ItemDocument>,
  enqueueAgain: (ids: string[]) => Promise<void>,
  { since, cursor }: { since: string; cursor?: string },
): Promise<{ replayed: number; nextCursor: string | null }> {
  let replayed = 0;
  const oldestFirst = { field: "soldAt", direction: 1 } as const;
  const page = { cursor, limit: pageSize };
  const nextCursor = await eachPage(store, salesSince(since), oldestFirst, page, async (items) => {
    if (items.length > 0) await enqueueAgain(items.map(({ _id }) => _id));
    replayed += items.length;
  });
  return { replayed, nextCursor };
}
