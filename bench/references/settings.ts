/** What a reference is told, by the same variables as Souk, and how it says that it is there. */
import { once } from "node:events";
import type { Server } from "node:http";
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

/** Journaled by a majority, as Souk writes. */
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

/** What whoever started it waits for. */
export const open = (where: string) => console.log(`The reference is open: ${where}`);
