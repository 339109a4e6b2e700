/**
 * Moleculer, moleculer-web and moleculer-io with the settings of their first examples. The database is used through MongoDB's driver, with
 * the same write concern as the other systems. The buyer waits for the notice, and a notice that fails is lost.
 * `node bench/references/stock.ts api|market|notifications`.
 */
import { randomUUID } from "node:crypto";
import type { IncomingMessage, Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Errors, ServiceBroker, type Context, type Service, type ServiceSchema } from "moleculer";
import SocketIO from "moleculer-io";
import ApiGateway from "moleculer-web";
import {
  amqpUrl,
  itemsCollection,
  jwks,
  namespace,
  noticesCollection,
  ready,
  role,
} from "./settings.ts";
import { tokenVerifier } from "./tokens.ts";

interface Item {
  _id: string;
  sellerId: string;
  [field: string]: unknown;
}
interface Notice {
  _id: string;
  userId: string;
  text: string;
  data: object;
  createdAt: string;
  isRead: boolean;
}
type Signed = Context<never, { user: { id: string } }>;

const verifyToken = tokenVerifier(jwks);

// moleculer-web and moleculer-io declare no schema of their mixins: hence the casts below.
const api = (): ServiceSchema => ({
  name: "api",
  mixins: [ApiGateway as unknown as ServiceSchema],
  settings: {
    port: 0,
    ip: "127.0.0.1",
    routes: [
      {
        path: "/",
        authentication: true,
        aliases: { "POST /market/buy/:id": "market.buy" },
        bodyParsers: { json: true },
      },
    ],
  } as object,
  methods: {
    async authenticate(_ctx: Context, _route: unknown, request: IncomingMessage) {
      const id = await verifyToken(request.headers.authorization);
      if (!id) throw new Errors.MoleculerClientError("Unauthorized", 401);
      return { id };
    },
  },
});

const market = (): ServiceSchema => {
  const items = itemsCollection<Item>();
  return {
    name: "market",
    actions: {
      buy: {
        params: { id: "string" },
        async handler(ctx: Context<{ id: string }, Signed["meta"]>) {
          const { id: buyerId } = ctx.meta.user;
          const saleId = randomUUID();
          const sold = await items.findOneAndUpdate(
            { _id: ctx.params.id, isSold: false, sellerId: { $ne: buyerId } },
            { $set: { isSold: true, buyerId, saleId, soldAt: new Date().toISOString() } },
            { returnDocument: "after" },
          );
          if (!sold) throw new Errors.MoleculerClientError("Sold", 404);
          await ctx.call("notifications.notify", {
            id: saleId,
            userId: sold.sellerId,
            text: `Item #${sold._id} was sold!`,
            data: sold,
          });
          return { ok: true, saleId };
        },
      },
    },
  };
};

const notifications = (): ServiceSchema => {
  const notices = noticesCollection<Notice>();
  return {
    name: "notifications",
    mixins: [SocketIO as unknown as ServiceSchema],
    settings: { port: 0, io: { namespaces: { "/": { authorization: true } } } } as object,
    actions: {
      notify: {
        params: { id: "string", userId: "string", text: "string", data: "object" },
        async handler(
          this: Service,
          ctx: Context<{ id: string; userId: string; text: string; data: object }>,
        ) {
          const { id, userId, text, data } = ctx.params;
          const notice = {
            _id: `${userId}.${id}`,
            userId,
            text,
            data,
            createdAt: new Date().toISOString(),
            isRead: false,
          };
          await notices.insertOne(notice);
          await ctx.call("notifications.broadcast", {
            event: "notification",
            args: [notice],
            rooms: [userId],
          });
          return { ok: true };
        },
      },
    },
    methods: {
      async socketAuthorize(socket: {
        handshake: { auth: { token?: string } };
        join(room: string): void;
      }) {
        const id = await verifyToken(socket.handshake.auth.token);
        if (!id) throw new Errors.MoleculerClientError("Unauthorized", 401);
        socket.join(id);
        return { id };
      },
    },
  };
};

const broker = new ServiceBroker({ nodeID: role, namespace, transporter: amqpUrl as never });
const roles = { api, market, notifications };
const service = broker.createService(roles[role as keyof typeof roles]()) as Service & {
  server?: Server;
};
await broker.start();
if (role !== "notifications")
  await broker.waitForServices(role === "api" ? "market" : "notifications");
const { port } = (service.server?.address() as AddressInfo | undefined) ?? { port: 0 };
ready(role === "api" ? `HTTP at http://127.0.0.1:${port}` : role);
