import { randomUUID } from "node:crypto";
import { env } from "../broker/env.ts";
import { define } from "../broker/define.ts";
import { refusal } from "../broker/refusal.ts";
import { parseSince } from "../broker/since.ts";
import type { ItemDocument } from "../domain/item.ts";
import { itemsQuery, orderings } from "../domain/catalogue.ts";
import { revised } from "../domain/offer.ts";
import { sellable, sold, toItem, toSale, whyNotChanged, whyNotSold } from "../domain/sale.ts";
import { sampleItems } from "../domain/samples.ts";
import { present } from "../domain/withdrawn.ts";
import { collection, isEmpty } from "../mixins/collection.ts";
import { outbox } from "../mixins/outbox.ts";
import { Arrivals } from "../store/arrivals.ts";
import { paginate } from "../store/pagination.ts";
import { FormerWords } from "./market/former-words.ts";
import { items } from "./market/items.ts";
import { checkPicture, offerItem } from "./market/offer.ts";
import { replaySales } from "./market/replay-sales.ts";
import { restoreSales } from "./market/restore.ts";
import { saleNotices } from "./market/sale-notices.ts";
import { withdrawItem } from "./market/withdraw.ts";

/** How often a revision is tried while concurrent writes change the item. */
const maxRevisions = 20;

export default define({
  name: "market",
  // The collection comes last, so that it opens first and closes last.
  mixins: [
    outbox<ItemDocument>({
      notice: saleNotices,
    }),
    collection(items),
  ],

  state() {
    return {
      formerWords: new FormerWords(this.store, this.logger),
      arrivals: new Arrivals(this.store),
    };
  },

  methods: {
    /** An item that has not been withdrawn. */
    current(id: string) {
      return this.store.one({ _id: id, ...present });
    },

    async listSales(query: object, page: { cursor?: string; limit?: number }) {
      const newest = { field: "soldAt", direction: -1 } as const;
      const { rows, nextCursor } = await paginate(this.store, query, newest, page);
      return { sales: rows.map(toSale), nextCursor };
    },
  },

  actions: {
    async items({ params }) {
      const ordering = orderings[params.sort ?? "newest"];
      const query = itemsQuery(params, ordering);
      if (!query) return { items: [], nextCursor: null };
      const { rows, nextCursor } = await paginate(this.store, query, ordering, params);
      return { items: rows.map(toItem), nextCursor };
    },

    async item({ params: { id } }) {
      const item = await this.current(id);
      if (!item) throw refusal("ITEM_NOT_FOUND");
      return toItem(item);
    },

    async offer({ params, meta }) {
      const by = { sellerId: meta.user.id, currency: env.currency, now: this.arrivals.next() };
      return offerItem(this.store, params, by);
    },

    async revise({ params, meta }) {
      const { id, ...change } = checkPicture(params);
      const sellerId = meta.user.id;
      for (let tries = 0; ; tries++) {
        const item = await this.current(id);
        if (!item || item.sellerId !== sellerId || item.isSold || tries === maxRevisions)
          throw refusal(whyNotChanged(item, sellerId));
        // The words depend on both texts. If another revision changed one, this one reads them again.
        const { title, description } = item;
        const unchanged = { _id: id, sellerId, isSold: false, title, description };
        const after = await this.store.change(unchanged, revised(item, change));
        if (after) return toItem(after);
      }
    },

    async withdraw({ params: { id }, meta }) {
      const sellerId = meta.user.id;
      if (!(await withdrawItem(this.store, { id, sellerId })))
        throw refusal(whyNotChanged(await this.current(id), sellerId));
      return null;
    },

    async buy(ctx) {
      const { id, ...seen } = ctx.params;
      const buyerId = ctx.meta.user.id;
      const now = this.store.now();
      // One conditional write decides among concurrent buyers. The seller's notice is part of the same write.
      const item = await this.store.change(
        sellable(id, buyerId, seen),
        sold(buyerId, randomUUID(), this.arrivals.next(), this.enqueue({ notice: now }, ctx)),
      );
      if (item) {
        this.deliver(ctx, item);
        return { ok: true, saleId: toSale(item).id };
      }
      const reason = whyNotSold(await this.current(id), buyerId, seen);
      if (typeof reason === "string") throw refusal(reason);
      return { ok: true, saleId: reason.saleId };
    },

    async purchases({ params, meta }) {
      return this.listSales({ buyerId: meta.user.id }, params);
    },

    async sales({ params, meta }) {
      // Unsold items have no instant here: the range of the index ends before them.
      return this.listSales({ sellerId: meta.user.id, soldAt: { $gt: "" } }, params);
    },

    async outbox({ params }) {
      return this.listEntries(params);
    },

    async replay({ params }) {
      if (!("since" in params)) return this.replayEntries(params.id);
      const range = { since: parseSince(params.since, this.store.now()), cursor: params.cursor };
      const enqueue = (ids: string[]) => this.enqueueAgain("notice", ids);
      const answer = await replaySales(this.store, enqueue, range);
      this.logger.info(`Sends the notices of ${answer.replayed} sales since ${range.since} again.`);
      return answer;
    },

    async restore({ params }) {
      const { restored, conflicts } = await restoreSales(this.store, params.sales);
      if (restored > 0) this.logger.info(`Restored ${restored} sales from their notices.`);
      for (const { saleId, itemId, reason } of conflicts)
        this.logger.warn(`Sale ${saleId} of item ${itemId} cannot be restored. ${reason}`);
      return { restored, conflicts };
    },

    async health() {
      await this.store.ping();
      return { ok: true };
    },
  },

  async started() {
    if (env.hasSamples && (await isEmpty(this.store)))
      for (const item of sampleItems(env.currency, this.store.now())) await this.store.insert(item);
    this.formerWords.start();
    await this.arrivals.start();
  },

  stopped() {
    this.arrivals.stop();
    return this.formerWords.stop();
  },
});
