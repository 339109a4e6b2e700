import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { BSON, MongoClient } from "mongodb";
import { startNode, temporaryFolder } from "../../bin/processes/node-process.ts";
import { startMongo, type Server } from "../../bin/processes/servers.ts";
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
  upgradePromises(async () => {
    server = await startMongo();
    await restore(server.url, join(fixtures, version, "mongo"));
    return startNode([], {
      DATA_DIR: folder.path,
      USERS_MONGO_URL: `${server.url}/users`,
      MARKET_MONGO_URL: `${server.url}/market`,
      NOTIFICATIONS_MONGO_URL: `${server.url}/notifications`,
    });
  });
});
