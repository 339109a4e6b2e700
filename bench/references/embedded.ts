/**
 * One process over SQLite files, written by hand with node:http, node:sqlite and Socket.IO. The token is verified and the id validated;
 * one write sells the item and enqueues its notice; the notice is stored once and pushed to the seller's sockets, and the item is marked
 * delivered. A relay delivers the rest. SQLite runs on the main thread. Each write is a transaction of its own, the natural way by hand;
 * with GROUP_COMMIT=1, the writes of one turn of the event loop share a transaction.
 */
import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import type { DatabaseSync } from "node:sqlite";
import { Server } from "socket.io";
import { openMarket, openNotices } from "./embedded-files.ts";
import { dataDir, jwks, listen, ready, sendJson } from "./settings.ts";
import { tokenVerifier } from "./tokens.ts";

interface Sale {
  id: string;
  title: string;
  price: number;
  currency: string;
  seller_id: string;
  sale_id: string;
  sold_at: string;
}
type Answer = [status: number, body: object];
type Write = <Result>(work: () => Result) => Promise<Result>;

const isGrouped = process.env.GROUP_COMMIT === "1";

/** Runs writes of one database. A promise resolves after the commit. */
function writerOf(db: DatabaseSync): Write {
  if (!isGrouped) return async (work) => work(); // each statement commits itself
  let waiting: {
    work: () => unknown;
    resolve(result: never): void;
    reject(error: unknown): void;
  }[] = [];
  const commit = () => {
    const group = waiting;
    waiting = [];
    try {
      db.exec("BEGIN IMMEDIATE");
      const results = group.map(({ work }) => work());
      db.exec("COMMIT");
      group.forEach(({ resolve }, n) => resolve(results[n] as never));
    } catch (error) {
      if (db.isTransaction) db.exec("ROLLBACK");
      for (const { reject } of group) reject(error);
    }
  };
  return (work) =>
    new Promise((resolve, reject) => {
      if (waiting.push({ work, resolve, reject }) === 1) setImmediate(commit);
    });
}

const [market, inboxes] = [openMarket(dataDir), openNotices(dataDir)];
const [writeMarket, writeInboxes] = [writerOf(market), writerOf(inboxes)];

const saleColumns = "id, title, price, currency, seller_id, sale_id, sold_at";
const sell = market.prepare(`
  UPDATE items SET is_sold = 1, buyer_id = :buyer, sale_id = :sale, sold_at = :now, notice_state = 'pending', notice_due_at = :due
  WHERE id = :id AND is_sold = 0 AND seller_id <> :buyer
  RETURNING ${saleColumns}`);
const findSale = market.prepare("SELECT buyer_id, sale_id FROM items WHERE id = ?");
const findDue = market.prepare(`
  SELECT ${saleColumns} FROM items WHERE notice_due_at <= ? ORDER BY notice_due_at LIMIT 100`);
const markDelivered = market.prepare(
  "UPDATE items SET notice_state = 'delivered', notice_due_at = NULL WHERE id = ?",
);
const storeNotice = inboxes.prepare(
  "INSERT OR IGNORE INTO notices (user_id, id, type, text, data, created_at) VALUES (?, ?, ?, ?, ?, ?)",
);

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

async function buy(id: string, buyer: string): Promise<Answer> {
  const now = Date.now();
  const sale = await writeMarket(() =>
    sell.get({
      id,
      buyer,
      sale: randomUUID(),
      now: new Date(now).toISOString(),
      due: new Date(now + lease).toISOString(),
    }),
  );
  if (sale) {
    // After the response. The relay retries what fails.
    setImmediate(() => deliver(sale as unknown as Sale).catch(() => {}));
    return [200, { ok: true, saleId: sale.sale_id }];
  }
  const found = findSale.get(id);
  return found?.buyer_id === buyer
    ? [200, { ok: true, saleId: found.sale_id }]
    : problem(404, "ITEM_SOLD");
}

async function deliver(sale: Sale): Promise<void> {
  const { id: itemId, sale_id: saleId, seller_id: userId, title, price, currency } = sale;
  const notice = {
    id: saleId,
    type: "sale",
    text: `Item #${itemId} was sold!`,
    data: { itemId, saleId, title, price, currency, soldAt: sale.sold_at },
    createdAt: new Date().toISOString(),
  };
  const { type, text, data, createdAt } = notice;
  await writeInboxes(() =>
    storeNotice.run(userId, saleId, type, text, JSON.stringify(data), createdAt),
  );
  io.to(userId).emit("notification", notice);
  await writeMarket(() => markDelivered.run(itemId));
}

setInterval(async () => {
  for (const sale of findDue.all(new Date().toISOString()) as unknown as Sale[])
    await deliver(sale).catch(() => {});
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
