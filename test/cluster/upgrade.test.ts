import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../../bin/processes/eventually.ts";
import type { ItemDocument } from "../../domain/item.ts";
import { formerWords } from "../../domain/words.ts";
import { BSON, MongoClient } from "mongodb";
import { startNode, temporaryFolder, type Node } from "../../bin/processes/node-process.ts";
import { startMongo, type Server } from "../../bin/processes/servers.ts";
import { formerItem } from "../support/former-words-promises.ts";
import { upgradePromises } from "../support/upgrade-promises.ts";

const fixtures = join(import.meta.dirname, "../fixtures");
const folder = temporaryFolder();
let server: Server;
afterAll(async () => {
  await server?.stop();
  folder.remove();
});

/** Inserts each `DATABASE.COLLECTION.json`. */
async function restore(url: string, from: string): Promise<void> {
  const client = new MongoClient(url);
  for (const file of readdirSync(from)) {
    const [database, collection] = file.split(".");
    const lines = readFileSync(join(from, file), "utf8").trim().split("\n");
    const docs = lines.map((line) => BSON.EJSON.parse(line) as object);
    await client.db(database).collection(collection!).insertMany(docs);
  }
  await client.close();
}

describe.each(["0.1.0"])("a market on the MongoDB databases of version %s", (version) => {
  let node: Node;
  upgradePromises(async () => {
    server = await startMongo();
    await restore(server.url, join(fixtures, version, "mongo"));
    node = await startNode([], {
      DATA_DIR: folder.path,
      USERS_MONGO_URL: `${server.url}/users`,
      MARKET_MONGO_URL: `${server.url}/market`,
      NOTIFICATIONS_MONGO_URL: `${server.url}/notifications`,
    });
    return node;
  });

  it("makes items findable that a node of that version still writes", async () => {
    await using client = new MongoClient(server.url);
    const items = client.db("market").collection<ItemDocument>("items");
    await items.insertOne(formerItem("former", "Große Laterne"));

    const search = async () => {
      const answer = await fetch(`${node.api}/market/items?search=grosse`);
      expect(await answer.json()).toMatchObject({ items: [{ id: "former" }] });
    };
    await eventually(search, { within: 60_000, every: 500 });
    expect(await items.countDocuments(formerWords)).toBe(0);
  }, 90_000);
});
