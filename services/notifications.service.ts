import { randomUUID } from "node:crypto";
import type { Static } from "typebox";
import { env } from "../broker/env.ts";
import { badData, codeOf } from "../broker/refusal.ts";
import { listen, provide, schema, signedIn } from "../broker/provide.ts";
import type { EventName, Events } from "../contracts/actions.ts";
import { dataLimit, type Inbox, type Notice, type Read } from "../contracts/notifications.ts";
import { NoticeDocument } from "../domain/notice.ts";
import { inboxSize } from "../contracts/socket.ts";
import {
  byUser,
  keyOf,
  newestFirst,
  newNotice,
  nextInstant,
  toMark,
  toNotification,
  unreadByUser,
} from "../domain/inbox.ts";
import { toPage } from "../domain/cursor.ts";
import { batched } from "../store/group-commit.ts";
import { collection } from "../mixins/collection.ts";
import { paginate } from "../store/pagination.ts";
import { sockets, type Device, type Sockets } from "../mixins/sockets.ts";
import { DuplicateKey, type Store } from "../store/store.ts";
import { MissedNotices } from "./notifications/missed-notices.ts";

type Which = { unread?: boolean; limit?: number; cursor?: string };

interface Notifications extends Sockets {
  store: Store<NoticeDocument>;
  /** When the last notice was stored here (ms since 1970). */
  storedAt: number;
  lookout: MissedNotices;
  looking: NodeJS.Timeout | undefined;
  take(notice: Notice): Promise<string>;
  tell(notice: NoticeDocument): void;
  mark(userId: string, read: Read, by?: string): Promise<number>;
  inboxOf(userId: string, which: Which): Promise<Inbox>;
  unreadOf(userId: string): Promise<Inbox | undefined>;
  hint<E extends EventName>(name: E, payload: Static<Events[E]>): void;
  catchUp(): Promise<void>;
}

/** How often a node looks for what it was not told of (ms). */
const lookEvery = 30_000;
/** So many devices that come together are welcomed with one query. */
const mostWelcomed = 50;

export default schema<Notifications>({
  name: "notifications",

  mixins: [
    sockets<Notifications>({
      async read(device, read, userId) {
        return { ...read, unread: await this.mark(userId, read, device.id) };
      },
    }),
    collection({
      name: "notifications",
      document: NoticeDocument,
      indexes: [
        { fields: ["userId", "createdAt", "_id"] },
        { fields: ["userId", "isRead", "createdAt", "_id"] },
        { fields: ["createdAt", "_id"] },
      ],
    }),
  ],

  actions: provide<"notifications", Notifications>("notifications", {
    async notify({ params }) {
      return { ok: true, id: await this.take(params) };
    },

    async notifyAll({ params }) {
      await Promise.all(params.notices.map((notice) => this.take(notice)));
      return { ok: true };
    },

    async inbox(ctx) {
      return this.inboxOf(signedIn(ctx).id, ctx.params);
    },

    async read(ctx) {
      return { unread: await this.mark(signedIn(ctx).id, ctx.params) };
    },

    async health() {
      await this.store.ping();
      return { ok: true };
    },
  }),

  events: {
    ...listen<Notifications>({
      "notifications.stored"({ nodeID, params: { userId, notification } }) {
        if (nodeID === this.broker.nodeID) return;
        this.lookout.markSeen({
          _id: keyOf(userId, notification.id),
          createdAt: notification.createdAt,
        });
        this.push(userId, "notification", notification);
      },

      "notifications.wasRead"({ nodeID, params: { userId, read, unread, by } }) {
        if (nodeID !== this.broker.nodeID) this.push(userId, "read", { ...read, unread }, by);
      },
    }),

    /** Moleculer's own, heard on this node alone: RabbitMQ is back, and hints may have been lost with it. */
    "$transporter.connected": {
      handler(this: Notifications) {
        return this.catchUp();
      },
    } as never,
  },

  methods: {
    /** Stored first, told after. The notice's id. */
    async take(params: Notice): Promise<string> {
      this.storedAt = nextInstant(this.storedAt, Date.now());
      const notice = newNotice(params, randomUUID(), new Date(this.storedAt));
      if (notice.data.length > dataLimit)
        throw badData([{ field: "data", message: "is too large" }]);
      const stored = await this.store.insert(notice).catch(async (error: unknown) => {
        if (!(error instanceof DuplicateKey)) throw error;
        // Whoever repeats it has not heard that it was done, and the devices may not have either: what was stored then is pushed again.
        return (await this.store.one({ _id: notice._id })) ?? notice;
      });
      // What was read meanwhile would come up as news.
      if (!stored.isRead) this.tell(stored);
      return stored.id;
    },

    /** To every device of the user, on every node. */
    tell(notice: NoticeDocument) {
      const { userId } = notice;
      const notification = toNotification(notice);
      this.lookout.markSeen(notice);
      this.push(userId, "notification", notification);
      this.hint("notifications.stored", { userId, notification });
    },

    /** Marks what is asked, tells the user's devices but the one that asks, and says how many are left. */
    async mark(userId: string, read: Read, by?: string): Promise<number> {
      const until =
        "until" in read && read.until
          ? await this.store.one({ _id: keyOf(userId, read.until) })
          : undefined;
      if (until !== null)
        await this.store.changeMany(toMark(userId, read, until), { $set: { isRead: true } });
      const unread = await this.store.count({ userId, isRead: false });
      this.push(userId, "read", { ...read, unread }, by);
      this.hint("notifications.wasRead", { userId, read, unread, ...(by && { by }) });
      return unread;
    },

    async inboxOf(userId: string, { unread, ...which }: Which): Promise<Inbox> {
      const query = unread === undefined ? { userId } : { userId, isRead: !unread };
      const [{ rows, nextCursor }, count] = await Promise.all([
        paginate(this.store, query, newestFirst, which),
        this.store.count({ userId, isRead: false }),
      ]);
      return { notifications: rows.map(toNotification), unread: count, nextCursor };
    },

    /** The device is in its user's room by now, so that nothing falls between this reading and the first push. */
    async welcome(device: Device, userId: string) {
      device.emit(
        "inbox",
        (await this.unreadOf(userId)) ??
          (await this.inboxOf(userId, { unread: true, limit: inboxSize })),
      );
    },

    /** Nobody waits for a hint, and catching up makes up for one that is lost. */
    hint(this: Notifications, name: EventName, payload: Static<Events[EventName]>) {
      void this.broker.broadcast(name, payload, { groups: ["notifications"] });
    },

    async catchUp() {
      const found = (notice: NoticeDocument) => {
        if (!notice.isRead) this.push(notice.userId, "notification", toNotification(notice));
      };
      await this.lookout
        .scan(found)
        .catch((error: unknown) =>
          this.logger.debug(`Could not look for notices: ${codeOf(error)}`),
        );
    },
  },

  created() {
    this.storedAt = 0;
    this.lookout = new MissedNotices(this.store);
    // All devices of a server that restarted come back at once. Who has so much that the look may have cut it off is looked up alone.
    this.unreadOf = batched(async (userIds: string[]) => {
      const limit = userIds.length * (inboxSize + 1);
      const found = await this.store.find(
        { userId: { $in: userIds }, isRead: false },
        { sort: byUser, limit },
      );
      const unreadOf = unreadByUser(found, limit);
      return (userId) => {
        const unread = unreadOf(userId);
        if (!unread) return undefined;
        const { rows, nextCursor } = toPage(unread, inboxSize, newestFirst);
        return { notifications: rows.map(toNotification), unread: unread.length, nextCursor };
      };
    }, mostWelcomed);
  },

  started() {
    // A node without others is told of every notice.
    if (!env.embedded) this.looking = setInterval(() => this.catchUp(), lookEvery).unref();
  },

  stopped() {
    clearInterval(this.looking);
  },
});
