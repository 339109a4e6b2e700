/**
 * The floor: node:http, a call over RabbitMQ, one conditional write, and nothing else. Nobody is who they say, nothing is validated, no
 * seller hears of the sale. `node bench/references/bare.ts api|market`.
 */
import { randomUUID } from "node:crypto";
import { createServer, type ServerResponse } from "node:http";
import { itemsCollection, listen, namespace, amqpUrl, open, role } from "./settings.ts";
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
  const respond = (response: ServerResponse, { status, body }: Answer) => {
    const text = JSON.stringify(body ?? {});
    response
      .writeHead(status, {
        "content-type": "application/json",
        "content-length": Buffer.byteLength(text),
      })
      .end(text);
  };
  const server = createServer((request, response) => {
    const url = request.url ?? "";
    const params = url.startsWith("/market/buy/")
      ? { buy: url.slice("/market/buy/".length) }
      : { items: true };
    call<Answer>(queue, params).then(
      (answer) => respond(response, answer),
      () => respond(response, { status: 504 }),
    );
  });
  open(`HTTP at ${await listen(server)}`);
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

  /** Where the last page ended. Asked no further than that, as Souk asks, also a database that reads all within the bounds is quick. */
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

  open("market");
}

await (role === "api" ? api() : market());
