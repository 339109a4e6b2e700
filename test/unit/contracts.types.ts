/** Read by the compiler alone: what must not compile, does not. `tsc` fails when one of these begins to. */
import type { Socket } from "socket.io-client";
import { refusal } from "../../broker/errors.ts";
import { listen, provide, type Ctx } from "../../broker/provide.ts";
import type { ClientToServer, ServerToClient } from "../../contracts/socket.ts";

declare const ctx: Ctx<object>;
declare const socket: Socket<ServerToClient, ClientToServer>;
const never = async (): Promise<never> => Promise.reject(new Error());
const notifications = { notify: never, notifyAll: never, inbox: never, read: never, health: never };

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

export const tells = async () => {
  // @ts-expect-error an unknown event
  await ctx.broadcast("users.sessionBegun", { sid: "1", userId: "1", until: "" });
  // @ts-expect-error a wrong payload
  await ctx.broadcast("users.sessionEnded", { sid: "1" });
  // @ts-expect-error a listener of an unknown event
  listen({ "users.sessionBegun"() {} });
};

// @ts-expect-error an unknown error code
refusal("ITEM_STOLEN");

provide<"notifications", object>("notifications", notifications);
// @ts-expect-error a handler is missing
provide<"notifications", object>("notifications", { notify: never, notifyAll: never, inbox: never, read: never });
// @ts-expect-error a handler that the contract does not name
provide<"notifications", object>("notifications", { ...notifications, forget: never });
// @ts-expect-error a wrong result
provide<"notifications", object>("notifications", { ...notifications, read: async () => ({ unread: "none" }) });

export const pushes = () => {
  // @ts-expect-error an unknown event
  socket.on("notifications", () => {});
  // @ts-expect-error a wrong payload
  socket.emit("authorize", { jwt: "" }, () => {});
};
