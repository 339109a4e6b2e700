import { define } from "../broker/define.ts";
import { env } from "../broker/env.ts";
import { meterOf } from "../broker/metrics/meter.ts";
import { codeOf } from "../broker/refusal.ts";
import { sentBy, tracesOf } from "../broker/tracing/carry.ts";
import { beginSpan, traceparentOf } from "../broker/tracing/trace.ts";
import { parseSince } from "../broker/since.ts";
import type { LostSale } from "../contracts/market.ts";
import type { Notice } from "../contracts/notifications.ts";
import { keyOf, toNotification } from "../domain/inbox.ts";
import type { NoticeDocument } from "../domain/notice.ts";
import { collection } from "../mixins/collection.ts";
import { sockets } from "../mixins/sockets.ts";
import { channels } from "./notifications/channels.ts";
import { channelActions } from "./notifications/channel-actions.ts";
import { emission } from "./notifications/emission.ts";
import { Inbox, notices } from "./notifications/inbox.ts";
import { LostSales } from "./notifications/lost-sales.ts";
import { measureStored } from "./notifications/measure.ts";
import { Receipts } from "./notifications/receipts.ts";
import { MissedNotices } from "./notifications/missed-notices.ts";

/** How often a node looks for notices whose broadcast it missed (ms). */
const reconcileInterval = 30_000;

/** Stores notices, lists them, and emits them to their users' sockets on every node. */
export default define({
  name: "notifications",

  mixins: [
    sockets<{ inbox: Inbox; receipts: Receipts }>({
      /** The socket has joined its user's room: no notice falls between this query and the first emit. */
      inbox(userId) {
        return this.inbox.newestUnread(userId);
      },

      shown(keys) {
        this.receipts.shown(keys);
      },

      async read(socket, read, userId) {
        return { ...read, unread: await this.inbox.markRead(userId, read, socket.id) };
      },
    }),
    emission,
    channels,
    collection(notices),
  ],

  state() {
    const inbox = new Inbox(this.store, this.logger);
    return {
      inbox,
      receipts: new Receipts(this.store, this.logger),
      missed: new MissedNotices(this.store, () => inbox.arrivals.now()),
      reconcileTimer: undefined as NodeJS.Timeout | undefined,
    };
  },

  methods: {
    /** Stores a notice, then emits it. Resolves with its id. The same id again stores nothing. */
    async accept(params: Notice, traceparent?: string): Promise<string> {
      const span = beginSpan(this.broker, "notice stored", this.name, traceparent);
      const notice = await this.inbox.store(params, span?.traceparent).finally(() => span?.end());
      // A sender repeats a call that it got no answer to: the sockets may have missed the notice too.
      if (!notice.isRead) this.emitEverywhere(notice);
      return notice.id;
    },

    /** Emits to the user's sockets on every node. */
    emitEverywhere(notice: NoticeDocument) {
      const { userId } = notice;
      const notification = toNotification(notice);
      this.missed.markSeen(notice);
      this.emit(userId, notification, notice.traceparent);
      this.broadcast("notifications.stored", { userId, notification }, notice.traceparent);
    },

    /** Reconciliation: emits the notices whose broadcast this node missed. */
    async reconcile() {
      try {
        await this.missed.scan((notice) => {
          if (!notice.isRead) this.emit(notice.userId, toNotification(notice), notice.traceparent);
        });
      } catch (error) {
        this.logger.debug(`Could not look for missed notices: ${codeOf(error)}.`);
      }
    },
  },

  actions: {
    ...channelActions,

    async notify(ctx) {
      return { ok: true, id: await this.accept(ctx.params, traceparentOf(ctx)) };
    },

    async notifyAll(ctx) {
      const traceOf = tracesOf(ctx);
      await Promise.all(ctx.params.notices.map((notice, n) => this.accept(notice, traceOf(n))));
      return { ok: true };
    },

    async inbox({ meta, params }) {
      const { inbox, unshown } = await this.inbox.list(meta.user.id, params);
      this.receipts.shown(unshown);
      return inbox;
    },

    async read({ meta, params }) {
      return { unread: await this.inbox.markRead(meta.user.id, params) };
    },

    async receipts({ params: { userId, ...page } }) {
      return this.inbox.receipts(userId, page);
    },

    async replay(ctx) {
      const { since, cursor } = ctx.params;
      const restore = (sales: LostSale[]) => ctx.call("market.restore", { sales });
      return new LostSales(this.store, restore).replay(parseSince(since, this.store.now()), cursor);
    },

    async health() {
      await Promise.all([this.store.ping(), this.recipientStore.ping()]);
      return { ok: true };
    },
  },

  events: {
    "notifications.stored"(ctx) {
      const { userId, notification } = ctx.params;
      if (ctx.nodeID === this.broker.nodeID) return;
      const { id, createdAt } = notification;
      this.inbox.arrivals.observe(createdAt);
      this.inbox.counts.add(userId, 1);
      this.missed.markSeen({ _id: keyOf(userId, id), createdAt });
      this.emit(userId, notification, sentBy(ctx));
    },

    "notifications.wasRead"({ nodeID, params }) {
      if (nodeID !== this.broker.nodeID) this.emitRead(params);
    },

    /** Local event of Moleculer: RabbitMQ is available again. Broadcasts may have been lost. */
    "$transporter.connected"() {
      return this.reconcile();
    },
  },

  created() {
    this.inbox.onRead = (wasRead) => {
      this.emitRead(wasRead);
      this.broadcast("notifications.wasRead", wasRead);
    };
    measureStored(this.inbox, meterOf(this.broker));
  },

  async started() {
    this.inbox.marks.start();
    // A single node misses nothing.
    if (!env.embedded)
      this.reconcileTimer = setInterval(() => this.reconcile(), reconcileInterval).unref();
    await this.inbox.arrivals.start();
  },

  async stopped() {
    clearInterval(this.reconcileTimer);
    this.inbox.arrivals.stop();
    await Promise.all([this.inbox.marks.stop(), this.receipts.stop()]);
  },
});
