/**
 * One process over files, as it is written by hand with node:http, NeDB and Socket.IO: the token verified, the id validated, the sale and
 * its debt one write, the notice stored once and shown on the seller's devices, the debt marked told; and a relay for what was left.
 */
import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import { join } from "node:path";
import nedb from "@seald-io/nedb";
import { Server } from "socket.io";
import { dataDir, jwks, listen, open } from "./settings.ts";
import { tokens } from "./tokens.ts";

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

const Datastore = nedb as unknown as typeof nedb.default;
const stored = async <Doc>(file: string, fieldName: string) => {
  const db = new Datastore<Doc>({ filename: join(dataDir, file) });
  await db.loadDatabaseAsync();
  await db.ensureIndexAsync({ fieldName, sparse: true });
  return db;
};
const items = await stored<Item>("items.db", "notice.dueAt");
const notices = await stored<Notice>("notifications.db", "userId");

const whoIs = tokens(jwks);
const route = /^\/market\/buy\/([\w.-]{1,64})$/;
const lease = 15_000;
const problem = (status: number, code: string): Answer => [status, { status, code }];

async function answer(request: IncomingMessage): Promise<Answer> {
  const [, id] = route.exec(request.url ?? "") ?? [];
  if (!id || request.method !== "POST") return problem(404, "NOT_FOUND");
  const buyerId = await whoIs(request.headers.authorization);
  return buyerId ? buy(id, buyerId) : problem(401, "UNAUTHENTICATED");
}

async function buy(_id: string, buyerId: string): Promise<Answer> {
  const [now, saleId] = [Date.now(), randomUUID()];
  const notice = { state: "pending", attempts: 0, dueAt: new Date(now + lease).toISOString() };
  const { affectedDocuments } = await items.updateAsync(
    { _id, isSold: false, sellerId: { $ne: buyerId } },
    { $set: { isSold: true, buyerId, saleId, soldAt: new Date(now).toISOString(), notice } },
    { returnUpdatedDocs: true },
  );
  const sold = affectedDocuments as unknown as Item | null;
  if (sold) {
    tell(sold).catch(() => {}); // the relay tells it again
    return [200, { ok: true, saleId }];
  }
  const found = await items.findOneAsync({ _id });
  return found?.buyerId === buyerId
    ? [200, { ok: true, saleId: found.saleId }]
    : problem(404, "ITEM_SOLD");
}

async function tell({
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
      if ((error as { errorType?: string }).errorType !== "uniqueViolated") throw error; // told before
    });
  io.to(userId).emit("notification", shown);
  await items.updateAsync(
    { _id: itemId },
    { $set: { "notice.state": "told" }, $unset: { "notice.dueAt": true } },
  );
}

setInterval(async () => {
  const due = await items
    .findAsync({ "notice.dueAt": { $lte: new Date().toISOString() } })
    .limit(100);
  for (const item of due) await tell(item).catch(() => {});
}, 5_000);

const server = createServer((request, response) => {
  answer(request)
    .catch(() => problem(503, "UNAVAILABLE"))
    .then(([status, body]) => {
      const text = JSON.stringify(body);
      response
        .writeHead(status, {
          "content-type": "application/json",
          "content-length": Buffer.byteLength(text),
        })
        .end(text);
    });
});

const sockets = createServer();
const io = new Server(sockets, {
  transports: ["websocket"],
  perMessageDeflate: false,
  serveClient: false,
});
io.use((socket, next) => {
  void whoIs((socket.handshake.auth as { token?: string }).token).then((userId) => {
    if (!userId) return next(new Error("UNAUTHENTICATED"));
    void socket.join(userId);
    next();
  });
});

open(`HTTP at ${await listen(server)}, Socket.IO at ${await listen(sockets)}`);
