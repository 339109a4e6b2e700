/**
 * Souk's guarantees, written carefully without a framework. The token is verified and the id validated; one write sells the item and
 * enqueues its notice; the notice is sent by AMQP, stored once and pushed to the seller's sockets, and the item is marked delivered. A
 * relay delivers the rest. `node bench/references/by-hand.ts api|market|notifications`.
 */
import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { Server } from "socket.io";
import { caller, openChannel, serve } from "./rpc.ts";
import {
  amqpUrl,
  itemsCollection,
  jwks,
  listen,
  namespace,
  noticesCollection,
  ready,
  role,
  sendJson,
} from "./settings.ts";
import { tokenVerifier } from "./tokens.ts";

interface Item {
  _id: string;
  title: string;
  price: number;
  currency: string;
  sellerId: string;
  isSold: boolean;
  buyerId?: string;
  saleId?: string;
  soldAt?: string | null;
  outbox?: {
    dueAt?: string;
    entries: { notice: { state: "pending" | "delivered"; attempts: number } };
  };
}
interface Notice {
  _id: string;
  id: string;
  userId: string;
  type: string;
  text: string;
  data: object;
  createdAt: string;
  isRead: boolean;
}
interface Buy {
  id: string;
  buyerId: string;
  price?: number;
}
interface Answer {
  status: number;
  body: object;
}

const queues = { market: `${namespace}.market`, notifications: `${namespace}.notifications` };
const channel = await openChannel(amqpUrl);
const problem = (status: number, code: string): Answer => ({ status, body: { status, code } });

async function api(): Promise<void> {
  const call = await caller(channel);
  const verifyToken = tokenVerifier(jwks);
  const route = /^\/market\/buy\/([\w.-]{1,64})$/;

  async function answer(request: IncomingMessage): Promise<Answer> {
    const [, id] = route.exec(request.url ?? "") ?? [];
    if (!id || request.method !== "POST") return problem(404, "NOT_FOUND");
    const buyerId = await verifyToken(request.headers.authorization);
    if (!buyerId) return problem(401, "UNAUTHENTICATED");
    const { price } = await bodyOf(request);
    if (price !== undefined && !Number.isSafeInteger(price)) return problem(400, "BAD_DATA");
    return call<Answer>(queues.market, { id, buyerId, price } satisfies Buy);
  }

  const respond = (response: ServerResponse, { status, body }: Answer) =>
    sendJson(response, status, body);
  const server = createServer((request, response) => {
    answer(request).then(
      (answer) => respond(response, answer),
      () => respond(response, problem(503, "UNAVAILABLE")),
    );
  });
  ready(`HTTP at ${await listen(server)}`);
}

async function bodyOf(request: IncomingMessage): Promise<{ price?: number }> {
  if (!Number(request.headers["content-length"]) && !request.headers["transfer-encoding"])
    return {};
  let text = "";
  for await (const chunk of request)
    if ((text += String(chunk)).length > 1024) throw new Error("too large");
  return JSON.parse(text) as { price?: number };
}

async function market(): Promise<void> {
  const items = itemsCollection<Item>();
  const call = await caller(channel);
  const lease = 15_000;

  async function deliver({
    _id: itemId,
    saleId,
    sellerId,
    title,
    price,
    currency,
    soldAt,
  }: Item): Promise<void> {
    await call(queues.notifications, { saleId, sellerId, itemId, title, price, currency, soldAt });
    await items.updateOne(
      { _id: itemId },
      { $set: { "outbox.entries.notice.state": "delivered" }, $unset: { "outbox.dueAt": true } },
    );
  }

  await serve(channel, queues.market, async ({ id, buyerId, price }: Buy): Promise<Answer> => {
    const [now, saleId] = [Date.now(), randomUUID()];
    const outbox = {
      dueAt: new Date(now + lease).toISOString(),
      entries: { notice: { state: "pending" as const, attempts: 0 } },
    };
    const sold = await items.findOneAndUpdate(
      { _id: id, isSold: false, sellerId: { $ne: buyerId }, ...(price !== undefined && { price }) },
      { $set: { isSold: true, buyerId, saleId, soldAt: new Date(now).toISOString(), outbox } },
      { returnDocument: "after" },
    );
    if (sold) {
      deliver(sold).catch(() => {}); // the relay retries
      return { status: 200, body: { ok: true, saleId } };
    }
    const found = await items.findOne({ _id: id });
    return found?.buyerId === buyerId
      ? { status: 200, body: { ok: true, saleId: found.saleId } }
      : problem(404, "ITEM_SOLD");
  });

  setInterval(async () => {
    const due = await items
      .find({ "outbox.dueAt": { $lte: new Date().toISOString() } }, { limit: 100 })
      .toArray();
    for (const item of due) await deliver(item).catch(() => {});
  }, 5_000);
  ready("market");
}

async function notifications(): Promise<void> {
  const notices = noticesCollection<Notice>();
  const verifyToken = tokenVerifier(jwks);
  const http = createServer();
  const io = new Server(http, {
    transports: ["websocket"],
    perMessageDeflate: false,
    serveClient: false,
  });
  const shown = ({ id, type, text, data, createdAt }: Notice) => ({
    id,
    type,
    text,
    data,
    createdAt,
  });

  io.use((socket, next) => {
    void verifyToken((socket.handshake.auth as { token?: string }).token).then((userId) => {
      if (!userId) return next(new Error("UNAUTHENTICATED"));
      (socket.data as { userId: string }).userId = userId;
      next();
    });
  });
  io.on("connection", async (socket) => {
    const { userId } = socket.data as { userId: string };
    await socket.join(userId);
    const unread = { userId, isRead: false };
    const [count, newest] = await Promise.all([
      notices.countDocuments(unread),
      notices.find(unread).sort({ createdAt: -1, _id: -1 }).limit(50).toArray(),
    ]);
    socket.emit("inbox", { unread: count, notifications: newest.map(shown), nextCursor: null });
  });

  interface Sale {
    saleId: string;
    sellerId: string;
    itemId: string;
  }
  await serve(channel, queues.notifications, async ({ sellerId: userId, ...sale }: Sale) => {
    const { saleId: id, itemId } = sale;
    const notice: Notice = {
      _id: `${userId}.${id}`,
      id,
      userId,
      type: "sale",
      text: `Item #${itemId} was sold!`,
      data: sale,
      createdAt: new Date().toISOString(),
      isRead: false,
    };
    await notices.insertOne(notice).catch((error: { code?: number }) => {
      if (error.code !== 11000) throw error; // a duplicate delivery
    });
    io.to(userId).emit("notification", shown(notice));
    return { status: 200 };
  });
  ready(`Socket.IO at ${await listen(http)}`);
}

const roles = { api, market, notifications };
await roles[role as keyof typeof roles]();
