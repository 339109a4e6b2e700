/** The environment, as a node reads it, and what of it can be used although something else in it is wrong. */
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { hostname } from "node:os";
import { join, resolve } from "node:path";
import { areAmqpUrls } from "../../broker/env/amqp-urls.ts";
import { parseMongoUrl } from "../../broker/env/mongo-url.ts";
import {
  ConfigurationError,
  readEnv,
  type Env,
  type MongoDatabase,
} from "../../broker/env/read.ts";
import { mongoUrlName } from "../../broker/env/schema.ts";
import { serviceNames, services as owners } from "../../contracts/actions.ts";
import { Findings, type Finding } from "./finding.ts";

export type Owner = (typeof owners)[number];
export type Source = Record<string, string | undefined>;

export interface Settings {
  findings: Finding[];
  amqpUrl: string | undefined;
  namespace: string;
  /** The databases whose URLs are known. */
  databases: Partial<Record<Owner, MongoDatabase>>;
  /** The folder of an embedded market on files. Undefined for a cluster. */
  dataDir: string | undefined;
  port: number;
  /** The origin of RabbitMQ's management API, if it is not the usual one. */
  managementUrl: string | undefined;
  /** A new name for a node of the doctor, which the permissions of a service's own RabbitMQ user cover. */
  nodeId: string;
}

/** Reads the settings of a node. Writes nothing: an embedded market makes its folder and its keys itself. */
export function readSettings(source: Source): Settings {
  const findings = new Findings("settings");
  const isCluster = Boolean(source.AMQP_URL) || Boolean(source.SERVICES);
  const dataDir = resolve(source.DATA_DIR || "data");
  const isFirstStart = !isCluster && !existsSync(join(dataDir, "keys.json"));
  const env = isFirstStart ? undefined : read(source, findings);
  if (isFirstStart)
    findings.add("wrong", `There is no market in ${dataDir}, and AMQP_URL is not set.`);
  const databases = databasesOf(source);
  return {
    findings: findings.all,
    amqpUrl: source.AMQP_URL && areAmqpUrls(source.AMQP_URL) ? source.AMQP_URL : undefined,
    namespace: env?.namespace ?? source.NAMESPACE ?? "",
    databases,
    dataDir: isCluster || isFirstStart || Object.keys(databases).length > 0 ? undefined : dataDir,
    port: env?.port ?? 3000,
    managementUrl: source.RABBITMQ_MANAGEMENT_URL,
    nodeId: nodeIdOf(source),
  };
}

function read(source: Source, findings: Findings): Env | undefined {
  try {
    const env = readEnv(source);
    findings.add(
      "ok",
      `The settings of a node with ${env.services.join(", ") || "no service"} are valid.`,
    );
    describeKeys(env, findings);
    return env;
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    for (const fault of error.faults) findings.add("wrong", fault);
    return undefined;
  }
}

function describeKeys({ keys }: Env, findings: Findings): void {
  const kids = keys.public.map(({ kid }) => kid).join(", ");
  if (keys.public.length > 0)
    findings.add("ok", `Access tokens are checked with the keys ${kids}.`);
  if (keys.private)
    findings.add("ok", `They are signed with ${keys.private.kid}, a pair with one of them.`);
}

/** Each URL is judged on its own: a database can be checked although another one's URL is wrong. */
function databasesOf(source: Source): Settings["databases"] {
  const entries = owners.flatMap((owner): [Owner, MongoDatabase][] => {
    const own = source[mongoUrlName(owner)];
    const url = own || source.MONGO_URL;
    const parsed = url && parseMongoUrl(url);
    if (!parsed) return [];
    return [[owner, { url, name: (own && parsed.database) || `souk-${owner}` }]];
  });
  return Object.fromEntries(entries);
}

/** Never that of a node: two nodes of one name would get each other's messages. */
function nodeIdOf({ SERVICES, NODE_ID }: Source): string {
  const names = SERVICES === undefined ? serviceNames : SERVICES.split(",").filter(Boolean);
  const prefix = names.length === serviceNames.length ? "souk" : names.join("-") || "operator";
  const start = NODE_ID || `${prefix}-${hostname()}`;
  const name = start.replaceAll(/[^\w-]/g, "-").slice(0, 70);
  return `${name}-doctor-${randomBytes(3).toString("hex")}`;
}
