/** What the MongoDB driver reads in a URL. Souk takes no URL apart itself, so that it means the same to both. */
import { createRequire } from "node:module";
import type { MongoClient, MongoOptions } from "mongodb";
import type { ServerUrl } from "./server-url.ts";

export interface MongoUrl extends ServerUrl {
  /** The database that the URL names. */
  database: string | undefined;
}

/** Loaded on demand, and not by `import`, because the environment is read before anything waits: 10 MB that an embedded market does not need. */
const driver = () =>
  createRequire(import.meta.url)("mongodb") as { MongoClient: typeof MongoClient };

/** Undefined when the driver does not accept the URL, or could not use the database that it names. Connects to nothing. */
export function parseMongoUrl(url: string): MongoUrl | undefined {
  if (!/^mongodb(\+srv)?:\/\//.test(url)) return undefined;
  try {
    const { MongoClient } = driver();
    const client = new MongoClient(url);
    const { options } = client;
    const database = namesDatabase.test(url) ? client.db().databaseName : undefined;
    // The server refuses such a name; the driver only notices a dot.
    if (/[/\\ "$]/.test(database ?? "")) return undefined;
    return {
      kind: "MongoDB",
      hosts: hostsOf(options),
      user: options.credentials?.username ?? "",
      password: options.credentials?.password ?? "",
      database,
      isProtected: isProtected(options),
    };
  } catch {
    return undefined;
  }
}

/** Whether the URL, which the driver accepts, has a path. */
const namesDatabase = /^[^/]*\/\/[^/?]*\/[^?]/;

const hostsOf = ({ srvHost, hosts }: MongoOptions): string[] =>
  srvHost ? [srvHost] : hosts.map(({ host, socketPath }) => host ?? socketPath ?? "");

const isProtected = ({ tls, rejectUnauthorized, checkServerIdentity }: MongoOptions): boolean =>
  tls === true && rejectUnauthorized !== false && checkServerIdentity === undefined;
