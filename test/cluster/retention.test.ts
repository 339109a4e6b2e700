import { randomUUID } from "node:crypto";
import { sharedMongo, type Shared } from "../../bin/processes/servers.ts";
import { temporaryFolder } from "../../bin/processes/node-process.ts";
import { retentionPromises } from "../support/retention-promises.ts";

const folder = temporaryFolder();
let mongo: Shared;
afterAll(async () => {
  await mongo.stop();
  folder.remove();
});

/** A database of its own. */
async function openMongo() {
  Object.assign(process.env, { DATA_DIR: folder.path, LOG_LEVEL: "error" });
  mongo = await sharedMongo();
  const url = `${mongo.url.replace(/\/$/, "")}/retention-${randomUUID().slice(0, 8)}`;
  const { MongoStore } = await import("../../store/mongo.ts");
  return (_service: string, what: ConstructorParameters<typeof MongoStore>[1]) =>
    new MongoStore(url, what);
}

describe("retention, over MongoDB", () => retentionPromises(openMongo));
