/**
 * One process over files, written by hand with node:http, NeDB and Socket.IO. The token is verified and the id validated; one write sells
 * the item and enqueues its notice; the notice is stored once and pushed to the seller's sockets, and the item is marked delivered. A
 * relay delivers the rest.
 */
import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import { join } from "node:path";
import nedb from "@seald-io/nedb";
import { Server } from "socket.io";
import { dataDir, jwks, listen, ready, sendJson } from "./settings.ts";
import { tokenVerifier } from "./tokens.ts";

interface Item {
  _id: string;
  title: string;
  price: number;
  currency: string;
  sellerId: string;
  buyerId?: string;
  saleId?: string;
  soldAt?: string;
}
interface Notice {
  _id: string;
  id: string;
  type: string;
  text: string;
  data: object;
  createdAt: string;
}
type Answer = [status: number, body: object];

// NeDB is a CommonJS module whose declarations claim a default export.
const Datastore = nedb as unknown as typeof nedb.default;
const loadStore = async <Doc>(file: string, fieldName: string) => {
  const db = new Datastore<Doc>({ filename: join(dataDir, file) });
  await db.loadDatabaseAsync();
  await db.ensureIndexAsync({ fieldName, sparse: true });
  return db;
};
const items = await loadStore<Item>("items.db", "outbox.dueAt");
const notices = await loadStore<Notice>("notifications.db", "userId");

const verifyToken = tokenVerifier(jwks);
const route = /^\/market\/buy\/([\w.-]{1,64})$/;
const lease = 15_000;
const problem = (status: number, code: string): Answer => [status, { status, code }];

async function answer(request: IncomingMessage): Promise<Answer> {
  const [, id] = route.exec(request.url ?? "") ?? [];
  if (!id || request.method !== "POST") return problem(404, "NOT_FOUND");
  const buyerId = await verifyToken(request.headers.authorization);
  return buyerId ? buy(id, buyerId) : problem(401, "UNAUTHENTICATED");
}

async function buy(_id: string, buyerId: string): Promise<Answer> {
  const [now, saleId] = [Date.now(), randomUUID()];
  const dueAt = new Date(now + lease).toISOString();
  const outbox = { dueAt, entries: { notice: { state: "pending", attempts: 0 } } };
  const { affectedDocuments } = await items.updateAsync(
    { _id, isSold: false, sellerId: { $ne: buyerId } },
    { $set: { isSold: true, buyerId, saleId, soldAt: new Date(now).toISOString(), outbox } },
    { returnUpdatedDocs: true },
  );
  // Declared as an array, but one document without `multi`.
  const sold = affectedDocuments as unknown as Item | null;
  if (sold) {
    deliver(sold).catch(() => {}); // the relay retries
    return [200, { ok: true, saleId }];
  }
  const found = await items.findOneAsync({ _id });
  return found?.buyerId === buyerId
    ? [200, { ok: true, saleId: found.saleId }]
    : problem(404, "ITEM_SOLD");
}

async function deliver({
  _id: itemId,
  saleId,
  sellerId: userId,
  title,
  price,
  currency,
  soldAt,
}: Item): Promise<void> {
  const shown = {
    id: saleId!,
    type: "sale",
    text: `Item #${itemId} was sold!`,
    data: { itemId, saleId, title, price, currency, soldAt },
    createdAt: new Date().toISOString(),
  };
  await notices
    .insertAsync({ _id: `${userId}.${saleId}`, userId, isRead: false, ...shown } as Notice)
    .catch((error: object) => {
      if ((error as { errorType?: string }).errorType !== "uniqueViolated") throw error; // a duplicate delivery
    });
  io.to(userId).emit("notification", shown);
  await items.updateAsync(
    { _id: itemId },
    { $set: { "outbox.entries.notice.state": "delivered" }, $unset: { "outbox.dueAt": true } },
  );
}

setInterval(async () => {
  const due = await items
    .findAsync({ "outbox.dueAt": { $lte: new Date().toISOString() } })
    .limit(100);
  for (const item of due) await deliver(item).catch(() => {});
}, 5_000);

const server = createServer((request, response) => {
  answer(request)
    .catch(() => problem(503, "UNAVAILABLE"))
    .then(([status, body]) => sendJson(response, status, body));
});

const sockets = createServer();
const io = new Server(sockets, {
  transports: ["websocket"],
  perMessageDeflate: false,
  serveClient: false,
});
io.use((socket, next) => {
  void verifyToken((socket.handshake.auth as { token?: string }).token).then((userId) => {
    if (!userId) return next(new Error("UNAUTHENTICATED"));
    void socket.join(userId);
    next();
  });
});

ready(`HTTP at ${await listen(server)}, Socket.IO at ${await listen(sockets)}`);
