/** Checked by the compiler only: `tsc` fails when one of these lines compiles. */
import type { Socket } from "socket.io-client";
import { refusal } from "../../broker/refusal.ts";
import type { Ctx } from "../../broker/context.ts";
import { define, type Handlers } from "../../broker/define.ts";
import type { InboxState, Notification } from "../../client/index.ts";
import type { ClientToServer, ServerToClient } from "../../contracts/socket.ts";
import { ItemDocument } from "../../domain/item.ts";
import { collection } from "../../mixins/collection.ts";
import { outbox } from "../../mixins/outbox.ts";
import type { Store } from "../../store/store.ts";

declare const ctx: Ctx<object>;
declare const socket: Socket<ServerToClient, ClientToServer>;
const never = async (): Promise<never> => Promise.reject(new Error());
declare const notifications: Handlers<"notifications">;

export const calls = async () => {
  const { saleId } = await ctx.call("market.buy", { id: "1" });
  saleId satisfies string;
  // @ts-expect-error an unknown action
  await ctx.call("market.byu", { id: "1" });
  // @ts-expect-error a wrong payload
  await ctx.call("market.buy", { id: 1 });
  // @ts-expect-error a field that the result does not have
  void (await ctx.call("market.buy", { id: "1" })).sale;
};

export const broadcasts = async () => {
  // @ts-expect-error an unknown event
  await ctx.broadcast("users.sessionBegun", { sid: "1", userId: "1", until: "" });
  // @ts-expect-error a wrong payload
  await ctx.broadcast("users.sessionEnded", { sid: "1" });
  // @ts-expect-error a listener of an unknown event
  define({ name: "api", events: { "users.sessionBegun"() {} } });
};

// @ts-expect-error an unknown error code
refusal("ITEM_STOLEN");

define({ name: "notifications", actions: notifications });
define({
  name: "notifications",
  // @ts-expect-error a handler is missing
  actions: { notify: never, notifyAll: never, inbox: never, read: never, replay: never },
});
define({
  name: "notifications",
  actions: {
    ...notifications,
    // @ts-expect-error a handler that the contract does not name
    forget: never,
  },
});
define({
  name: "notifications",
  actions: {
    ...notifications,
    // @ts-expect-error a wrong result
    read: async () => ({ unread: "none" }),
  },
});
// @ts-expect-error a service of the contract without actions
define({ name: "notifications" });

const counter = define({
  state: () => ({ count: 0 }),
  methods: {
    add(by: number) {
      this.count += by;
      return this.count;
    },
  },
});
define({
  name: "api",
  mixins: [counter],
  methods: {
    addTwo() {
      return this.add(2) satisfies number;
    },
  },
  events: {
    "users.sessionEnded"({ params }) {
      params.sid satisfies string;
      this.addTwo();
    },
    "$services.changed"() {
      // @ts-expect-error an unknown method
      this.addThree();
    },
  },
  started() {
    // @ts-expect-error a wrong argument of a mixin's method
    this.add("1");
  },
});
define({
  name: "notifications",
  actions: {
    ...notifications,
    async inbox(ctx) {
      ctx.meta.user.id satisfies string;
      return { notifications: [], unread: 0, nextCursor: null };
    },
    async notify(ctx) {
      // @ts-expect-error an action without a route for signed-in users may have no user
      return { ok: true, id: ctx.meta.user.id };
    },
  },
});
define({
  name: "api",
  mixins: [collection({ name: "items", document: ItemDocument, indexes: [] })],
  async started() {
    this.store satisfies Store<ItemDocument>;
    const item = await this.store.one({ _id: "1" });
    item?.price satisfies number | undefined;
    // @ts-expect-error a field that the document does not have
    void item?.colour;
  },
});

const saleMessage = (item: ItemDocument) => ({ id: item._id, userId: item.sellerId, text: "Sold" });
define({
  name: "api",
  mixins: [
    outbox<ItemDocument>({ notice: { action: "notifications.notify", message: saleMessage } }),
  ],
  started() {
    this.enqueue({ notice: new Date() });
    // @ts-expect-error a kind that the document's outbox does not have
    this.enqueue({ mail: new Date() });
  },
});
// @ts-expect-error a kind of the document's outbox is not declared
outbox<ItemDocument>({});
outbox<ItemDocument>({
  // @ts-expect-error an unknown action
  notice: { action: "notifications.notfy", message: saleMessage },
});
outbox<ItemDocument>({
  // @ts-expect-error a message that the action does not take
  notice: { action: "notifications.notify", message: (item) => ({ id: item._id }) },
});
outbox<ItemDocument>({
  notice: {
    action: "notifications.notify",
    message: saleMessage,
    // @ts-expect-error params that the batch action does not take
    batch: { action: "notifications.notifyAll", params: (messages) => ({ messages }) },
  },
});

export const pushes = () => {
  // @ts-expect-error an unknown event
  socket.on("notifications", () => {});
  // @ts-expect-error a wrong payload
  socket.emit("authorize", { jwt: "" }, () => {});
};

export const describeNotice = (notice: Notification): string => {
  // @ts-expect-error the data of an unknown type have no known fields
  void notice.data.price.toFixed();
  switch (notice.type) {
    case "sale":
      notice.data.price satisfies number;
      return notice.data.title;
    case "notice":
      return notice.text;
    case "other":
      // @ts-expect-error the data of an unknown type
      notice.data.stars satisfies number;
      return notice.kind;
  }
};

export const describeInbox = (inbox: InboxState): string => {
  // @ts-expect-error the number is unknown before the inbox was read
  void inbox.unread.toFixed();
  if (inbox.status !== "loaded") return inbox.status;
  inbox.readAt satisfies Date;
  return inbox.unread.toFixed();
};
