import { checker } from "../../broker/validator.ts";
import type { Actions } from "../../contracts/actions.ts";
import { LostSale, type Conflict } from "../../contracts/market.ts";
import type { ResultOf } from "../../contracts/schema.ts";
import { oldestFirst, toNotification } from "../../domain/inbox.ts";
import { lostSaleOf } from "../../domain/lost-sale.ts";
import type { NoticeDocument } from "../../domain/notice.ts";
import { eachPage } from "../../store/replay.ts";
import type { Store } from "../../store/store.ts";

type Restore = (sales: LostSale[]) => Promise<ResultOf<Actions["market.restore"]>>;

/** `market.restore` takes as many. */
const pageSize = 100;
/** A call with more conflicts ends early, so that its answer stays short. */
const maxConflicts = 100;

const check = checker(LostSale);

/** The sales that the stored notices describe, for a market that has lost some of them. */
export class LostSales {
  readonly #store: Store<NoticeDocument>;
  readonly #restore: Restore;

  constructor(store: Store<NoticeDocument>, restore: Restore) {
    this.#store = store;
    this.#restore = restore;
  }

  /** Passes the sales whose notices were stored since then to market. Idempotent. Throws UNAVAILABLE. */
  async replay(since: string, cursor?: string): Promise<ResultOf<Actions["notifications.replay"]>> {
    const total = { replayed: 0, restored: 0, conflicts: [] as Conflict[] };
    const query = { createdAt: { $gte: since } };
    const page = { cursor, limit: pageSize };
    const nextCursor = await eachPage(this.#store, query, oldestFirst, page, async (notices) => {
      const sales = notices.flatMap(salesIn);
      if (sales.length === 0) return true;
      const { restored, conflicts } = await this.#restore(sales);
      total.replayed += sales.length;
      total.restored += restored;
      total.conflicts.push(...conflicts);
      return total.conflicts.length < maxConflicts;
    });
    return { ...total, nextCursor };
  }
}

/** The sale of a notice, or nothing: any sender chooses the type and the data of its notices. */
function salesIn(notice: NoticeDocument): LostSale[] {
  if (notice.type !== "sale") return [];
  const sale = lostSaleOf(notice.userId, toNotification(notice).data);
  return check(sale).length === 0 ? [sale as LostSale] : [];
}
