/** Configuration of a reference, by the same environment variables as Souk, and its readiness message. */
import { once } from "node:events";
import type { Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { MongoClient, type Collection } from "mongodb";

export const [role = ""] = process.argv.slice(2);
export const {
  AMQP_URL: amqpUrl = "",
  NAMESPACE: namespace = "",
  DATA_DIR: dataDir = "",
  AUTH_JWKS: jwks = "",
} = process.env;
const { MARKET_MONGO_URL = "", NOTIFICATIONS_MONGO_URL = "" } = process.env;

/** With Souk's write concern: journaled by a majority. */
const collectionAt = <Doc extends { _id: string }>(url: string, name: string): Collection<Doc> =>
  new MongoClient(url, {
    w: "majority",
    journal: true,
    readConcernLevel: "majority",
    maxPoolSize: 50,
  })
    .db()
    .collection<Doc>(name);

export const itemsCollection = <Doc extends { _id: string }>() =>
  collectionAt<Doc>(MARKET_MONGO_URL, "items");
export const noticesCollection = <Doc extends { _id: string }>() =>
  collectionAt<Doc>(NOTIFICATIONS_MONGO_URL, "notifications");

export async function listen(server: Server): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body);
  response
    .writeHead(status, {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(text),
    })
    .end(text);
}

/** Prints the line that the starting process waits for (bin/processes/node-process.ts). */
export const ready = (where: string) => console.log(`The reference is open: ${where}`);
