import { randomUUID } from "node:crypto";
import { env } from "../broker/env.ts";
import { refusal } from "../broker/refusal.ts";
import { provide, schema, signedIn } from "../broker/provide.ts";
import { ItemDocument } from "../domain/item.ts";
import { orderings, wanted } from "../domain/catalogue.ts";
import { offered, revised } from "../domain/offer.ts";
import {
  saleNotice,
  sellable,
  sold,
  toItem,
  toSale,
  whyNotChanged,
  whyNotSold,
} from "../domain/sale.ts";
import { sampleItems } from "../domain/samples.ts";
import { collection } from "../mixins/collection.ts";
import { debtIndexes, debts, type Debts } from "../mixins/outbox.ts";
import { paginate } from "../store/pagination.ts";

interface Market extends Debts<ItemDocument> {
  sales(
    query: object,
    params: { cursor?: string; limit?: number },
  ): Promise<{ sales: ReturnType<typeof toSale>[]; nextCursor: string | null }>;
}

/** Of revisions at once, all but one look again, and again. */
const mostTries = 20;

export default schema<Market>({
  name: "market",

  // The collection is the last, so that it opens first and closes last.
  mixins: [
    debts<ItemDocument, "notifications.notify">({
      action: "notifications.notify",
      together: "notifications.notifyAll",
      notice: (item) => saleNotice(toSale(item)),
    }),
    collection({
      name: "items",
      document: ItemDocument,
      indexes: [
        { fields: ["createdAt", "_id"] },
        { fields: ["isSold", "createdAt", "_id"] },
        { fields: ["sellerId", "createdAt", "_id"] },
        { fields: ["price", "_id"] },
        { fields: ["isSold", "price", "_id"] },
        { fields: ["sellerId", "price", "_id"] },
        { fields: ["words", "createdAt", "_id"] },
        { fields: ["sellerId", "soldAt", "_id"] },
        { fields: ["buyerId", "soldAt", "_id"], sparse: true },
        { fields: ["saleId"], unique: true, sparse: true },
        ...debtIndexes,
      ],
    }),
  ],

  actions: provide<"market", Market>("market", {
    async items({ params }) {
      const query = wanted(params);
      if (!query) return { items: [], nextCursor: null };
      const { rows, nextCursor } = await paginate(
        this.store,
        query,
        orderings[params.sort ?? "newest"],
        params,
      );
      return { items: rows.map(toItem), nextCursor };
    },

    async item({ params }) {
      const item = await this.store.one({ _id: params.id });
      if (!item) throw refusal("ITEM_NOT_FOUND");
      return toItem(item);
    },

    async offer(ctx) {
      const { id: sellerId } = signedIn(ctx);
      return toItem(
        await this.store.insert(
          offered(ctx.params, {
            id: randomUUID(),
            sellerId,
            currency: env.currency,
            now: new Date(),
          }),
        ),
      );
    },

    async revise(ctx) {
      const { id: sellerId } = signedIn(ctx);
      const { id, ...change } = ctx.params;
      for (let tries = 0; ; tries++) {
        const item = await this.store.one({ _id: id });
        if (!item || item.sellerId !== sellerId || item.isSold || tries === mostTries)
          throw refusal(whyNotChanged(item, sellerId));
        // Its words depend on both texts: of two revisions at once, one looks again.
        const { title, description } = item;
        const after = await this.store.change(
          { _id: id, sellerId, isSold: false, title, description },
          revised(item, change),
        );
        if (after) return toItem(after);
      }
    },

    async withdraw(ctx) {
      const { id: sellerId } = signedIn(ctx);
      const { id } = ctx.params;
      const removed = await this.store.remove({ _id: id, sellerId, isSold: false });
      if (!removed) throw refusal(whyNotChanged(await this.store.one({ _id: id }), sellerId));
      return null;
    },

    async buy(ctx) {
      const { id: buyerId } = signedIn(ctx);
      const { id, price } = ctx.params;
      // One conditional write: of all buyers at once, one matches. The notice owed to the seller is part of it.
      const now = new Date();
      const item = await this.store.change(
        sellable(id, buyerId, price),
        sold(buyerId, randomUUID(), now, this.owe(now)),
      );
      if (item) {
        this.pay(ctx, item);
        return { ok: true, saleId: toSale(item).id };
      }
      const reason = whyNotSold(await this.store.one({ _id: id }), buyerId, price);
      if (typeof reason === "string") throw refusal(reason);
      return { ok: true, saleId: reason.saleId };
    },

    async purchases(ctx) {
      return this.sales({ buyerId: signedIn(ctx).id }, ctx.params);
    },

    async sales(ctx) {
      return this.sales({ sellerId: signedIn(ctx).id, isSold: true }, ctx.params);
    },

    async debts({ params }) {
      return this.owed(params);
    },

    async replay({ params }) {
      return this.replay(params.id);
    },

    async health() {
      await this.store.ping();
      return { ok: true };
    },
  }),

  methods: {
    async sales(query: object, params: { cursor?: string; limit?: number }) {
      const { rows, nextCursor } = await paginate(
        this.store,
        query,
        { field: "soldAt", direction: -1 },
        params,
      );
      return { sales: rows.map(toSale), nextCursor };
    },
  },

  async started() {
    if (!env.hasSamples || (await this.store.count({})) > 0) return;
    for (const item of sampleItems(env.currency, new Date())) await this.store.insert(item);
  },
});
