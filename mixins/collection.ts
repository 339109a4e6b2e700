import type { ServiceSchema } from "moleculer";
import { join } from "node:path";
import { env } from "../broker/env.ts";
import { documents } from "./documents.ts";
import { NedbStore } from "../store/nedb.ts";
import type { Adapter, Collection } from "../store/store.ts";

// eslint-disable-next-line no-restricted-syntax -- from its own folder, and a market over files does without the driver: 10 MB
const mongo = Object.keys(env.mongoUrls).length > 0 ? await import("../store/mongo.ts") : undefined;

/**
 * Gives a service `this.store`, its own documents and nobody else's: in MongoDB where the service has a URL, else in a file of its own.
 * The service starts while its MongoDB is away; a file that cannot be used refuses the start.
 */
export const collection = (what: Collection): ServiceSchema => documents(what, configured);

function configured(service: string, what: Collection): Adapter {
  const url = env.mongoUrls[service as keyof typeof env.mongoUrls];
  return url
    ? new mongo!.MongoStore(url, what)
    : new NedbStore(join(env.dataDir, `${what.name}.db`), what);
}
