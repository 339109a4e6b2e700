/** What the MongoDB driver reads in a URL. Souk takes no URL apart itself, so that it means the same to both. */
import { createRequire } from "node:module";
import type { MongoClient, MongoOptions } from "mongodb";
import type { ServerUrl } from "./server-url.ts";
import { redact } from "./urls.ts";

export interface MongoUrl extends ServerUrl {
  /** The database that the URL names. */
  database: string | undefined;
}

/** Loaded on demand, and not by `import`, because the environment is read before anything waits: 10 MB that an embedded market does not need. */
const driver = () =>
  createRequire(import.meta.url)("mongodb") as { MongoClient: typeof MongoClient };

/** Undefined when the driver does not accept the URL, or could not use the database that it names. Connects to nothing. */
export function parseMongoUrl(url: string): MongoUrl | undefined {
  if (!hasScheme(url)) return undefined;
  try {
    return read(url);
  } catch {
    return undefined;
  }
}

/** Why a URL is not valid, as the driver says it, without parts of passwords. Undefined when its scheme is another, or it is valid. */
export function mongoUrlFault(url: string): string | undefined {
  if (!hasScheme(url)) return undefined;
  try {
    read(url);
    return undefined;
  } catch (error) {
    return withoutSecrets((error as Error).message, url).replace(/\.?$/, ".");
  }
}

const hasScheme = (url: string) => /^mongodb(?:\+srv)?:\/\//.test(url);

/** Throws an error of the driver. */
function read(url: string): MongoUrl {
  const { MongoClient } = driver();
  const client = new MongoClient(url);
  const { options } = client;
  const database = namesDatabase.test(url) ? client.db().databaseName : undefined;
  // The server refuses such a name; the driver only notices a dot.
  if (/[/\\ "$]/.test(database ?? ""))
    throw new Error("The name of the database has a character that MongoDB does not permit");
  return {
    kind: "MongoDB",
    hosts: hostsOf(options),
    user: options.credentials?.username ?? "",
    password: options.credentials?.password ?? "",
    database,
    isProtected: isProtected(options),
  };
}

/**
 * The driver quotes hosts, options and values. When the parts of the URL cannot be told apart, any of them may be a part of the
 * password, as in `mongodb://user:pass/word`; otherwise only what has the password, or the value of such an option.
 */
function withoutSecrets(message: string, url: string): string {
  const isUnclear = redact(url).endsWith("://…");
  const [location = "", options = ""] = url.slice(url.indexOf("://") + 3).split("?");
  const [, password] = /^[^:]*:(.*)@/.exec(location) ?? [];
  const values = [...options.matchAll(/(?:password|properties)=([^&]+)/gi)].map(
    ([, value]) => value,
  );
  const secrets = [password, ...values].filter((secret) => secret !== undefined);
  return message.replace(/[^\s"',]+/g, (word) => {
    const isSecret = isUnclear || secrets.some((secret) => word.includes(secret));
    return isSecret && url.includes(word) ? "…" : word;
  });
}

/** Whether the URL, which the driver accepts, has a path. */
const namesDatabase = /^[^/]*\/\/[^/?]*\/[^?]/;

const hostsOf = ({ srvHost, hosts }: MongoOptions): string[] =>
  srvHost ? [srvHost] : hosts.map(({ host, socketPath }) => host ?? socketPath ?? "");

const isProtected = ({ tls, rejectUnauthorized, checkServerIdentity }: MongoOptions): boolean =>
  tls === true && rejectUnauthorized !== false && checkServerIdentity === undefined;
