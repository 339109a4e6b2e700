/**
 * The lower bound: node:http, a call over RabbitMQ, and one conditional write. No authentication, no validation, no notice to the seller.
 * `node bench/references/bare.ts api|market`.
 */
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { itemsCollection, listen, namespace, amqpUrl, ready, role, sendJson } from "./settings.ts";
import { caller, openChannel, serve } from "./rpc.ts";

interface Item {
  _id: string;
  [field: string]: unknown;
}
interface Answer {
  status: number;
  body?: unknown;
}

const queue = `${namespace}.market`;
const channel = await openChannel(amqpUrl);

async function api(): Promise<void> {
  const call = await caller(channel);
  const server = createServer((request, response) => {
    const url = request.url ?? "";
    const params = url.startsWith("/market/buy/")
      ? { buy: url.slice("/market/buy/".length) }
      : { items: true };
    call<Answer>(queue, params).then(
      ({ status, body = {} }) => sendJson(response, status, body),
      () => sendJson(response, 504, {}),
    );
  });
  ready(`HTTP at ${await listen(server)}`);
}

async function market(): Promise<void> {
  const items = itemsCollection<Item>();
  await serve(channel, queue, async ({ buy: id }: { buy?: string }): Promise<Answer> =>
    id ? buy(id) : list(),
  );

  async function buy(_id: string): Promise<Answer> {
    const [buyerId, saleId, soldAt] = ["buyer", randomUUID(), new Date().toISOString()];
    const sold = await items.findOneAndUpdate(
      { _id, isSold: false, sellerId: { $ne: buyerId } },
      { $set: { isSold: true, buyerId, saleId, soldAt } },
      { returnDocument: "after" },
    );
    return sold ? { status: 200, body: { ok: true, saleId } } : { status: 404 };
  }

  /** Lower bound of the next query: where the last page ended. Souk bounds its queries likewise (docs/decisions/008). */
  let end = "";
  const newest = (createdAt: object) =>
    items.find({ createdAt }).sort({ createdAt: -1, _id: -1 }).limit(21).toArray();

  async function list(): Promise<Answer> {
    let found = await newest({ $gte: end });
    if (end && found.length <= 20) found = await newest({ $gte: "" });
    end = found.length > 20 ? (found.at(-1)!.createdAt as string) : "";
    const shown = found
      .slice(0, 20)
      .map(
        ({
          _id: id,
          title,
          description,
          price,
          currency,
          imageUrl,
          sellerId,
          isSold,
          createdAt,
          soldAt,
        }) => {
          return {
            id,
            title,
            description,
            price,
            currency,
            imageUrl,
            sellerId,
            isSold,
            createdAt,
            soldAt,
          };
        },
      );
    const last = shown.at(-1);
    const nextCursor =
      last && found.length > 20
        ? Buffer.from(JSON.stringify([last.createdAt, last.id])).toString("base64url")
        : null;
    return { status: 200, body: { items: shown, nextCursor } };
  }

  ready("market");
}

await (role === "api" ? api() : market());
