/** Reads a node's environment and reports all of its faults at once. */
import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { join, resolve } from "node:path";
import type { TSchema } from "typebox";
import { Compile } from "typebox/schema";
import { serviceNames, services as owners, type ServiceName } from "../../contracts/actions.ts";
import { writableFolder } from "../folder.ts";
import { splitHosts } from "../../domain/push-services.ts";
import { keysFromEnv, keysFromFile, noKeys, type Keys } from "../keys.ts";
import { pushKeysFromEnv, pushKeysOf, type PushKeys } from "../push-keys.ts";
import { localTargetFaults, mailFaults, missingVariables, urlFaults } from "./faults.ts";
import { accessLogFaults, accessLogOf, type AccessLogLevel } from "./access-log.ts";
import { environment, mongoUrlName, type Variables } from "./schema.ts";
import { splitAmqpUrls } from "./amqp-urls.ts";
import { parseSender, parseSmtpUrl, type MailServer, type Sender } from "./smtp-url.ts";
import { mongoUrlFault, parseMongoUrl } from "./mongo-url.ts";
import { pageOrigin, publicOrigin, redact, socketOrigin, splitOrigins } from "./urls.ts";

type Owner = (typeof owners)[number];
type Source = Record<string, string | undefined>;

export interface MongoDatabase {
  url: string;
  name: string;
}

export interface Env {
  /** All services run in this process, without a transporter. */
  embedded: boolean;
  /** An embedded market over files. It begins with sample people and items. */
  hasSamples: boolean;
  /** The services that this node hosts. */
  services: readonly ServiceName[];
  host: string;
  port: number;
  socketPort: number;
  healthPort: number | undefined;
  /** The port of the metrics; undefined: nothing is measured. */
  metricsPort: number | undefined;
  metricsHost: string;
  /** Where traces are sent; undefined: nothing is traced. */
  otlpEndpoint: string | undefined;
  traceShare: number;
  amqpUrl: string | undefined;
  /** The database of each service in MongoDB: its server's URL as it was given, and its name. */
  databases: Partial<Record<Owner, MongoDatabase>>;
  dataDir: string;
  keys: Keys;
  /** The keys of web push; without them, it is off. */
  pushKeys: PushKeys;
  /** Hosts of push services; `*.` stands for any subdomain. */
  pushServices: string[];
  /** Pages of other origins that may send requests: origins as browsers write them, and whether all pages of this machine. */
  origins: { listed: string[]; localhost: boolean };
  currency: string;
  logLevel: string;
  accessLog: AccessLogLevel;
  nodeId: string;
  namespace: string;
  rateScale: number;
  socketUrl: string | undefined;
  /** The public origin of the page; undefined: that of each request. */
  publicUrl: string | undefined;
  /** The mail server; undefined: no mails leave this market. */
  mailServer: MailServer | undefined;
  /** The sender of mails. */
  mailFrom: Sender;
  /** Where an embedded market without a mail server writes its mails. */
  mailFolder: string | undefined;
  serviceWorker: boolean;
  trustedProxies: number;
  /** Days for which data is kept that has been used. */
  keepDays: number;
  /** Webhooks and push services on loopback, also by http. Only for development: HOST is loopback, too. */
  allowLocalTargets: boolean;
}

/** A configuration that cannot work. `faults` has one sentence for each fault. */
export class ConfigurationError extends Error {
  readonly faults: string[];
  constructor(faults: string[]) {
    super(`The configuration is not valid:\n${faults.map((fault) => `  - ${fault}`).join("\n")}`);
    this.faults = faults;
  }
}

/** Reads and checks the whole configuration. Throws a ConfigurationError with all faults. */
export function readEnv(source: Source): Env {
  const faults: string[] = [];
  const values = readVariables(source, faults);
  const services = readServices(source.SERVICES, faults);
  // Without AMQP_URL, a node with only some of the services is a cluster node with a fault.
  const embedded = !source.AMQP_URL && services.length === serviceNames.length;
  const databases = databasesOf(values, source);
  const dataDir = resolve(values.DATA_DIR);
  if (embedded && services.some((name) => name !== "api" && !databases[name]))
    writableFolder("DATA_DIR", dataDir, faults);
  if (!embedded) faults.push(...missingVariables(source, services));
  const ownMongoUrls = owners
    .filter((it) => services.includes(it))
    .flatMap((it) => databases[it]?.url ?? []);
  const urls = [...splitAmqpUrls(values.AMQP_URL), ...ownMongoUrls];
  faults.push(...urlFaults(urls, values.ALLOW_PLAINTEXT === "1"));
  const host = values.HOST ?? (embedded ? "127.0.0.1" : "0.0.0.0");
  faults.push(...localTargetFaults(values.ALLOW_LOCAL_TARGETS === "1", host));
  faults.push(...mailFaults(source, services), ...accessLogFaults(values));
  const keys = readKeys(source, { embedded, services, dataDir }, faults);
  const pushKeys = readPushKeys(source, services, keys, faults);
  if (faults.length > 0) throw new ConfigurationError(faults);
  const hasSamples = embedded && Object.keys(databases).length === 0;
  return {
    ...fieldsOf(values),
    ...{ embedded, hasSamples, services, databases, dataDir, keys, pushKeys },
    host,
    mailFolder: embedded && !values.SMTP_URL ? join(dataDir, "mail") : undefined,
    origins: {
      listed: splitOrigins(values.CORS_ORIGINS).flatMap((one) => pageOrigin(one) ?? []),
      // A proxy serves the market to others, and may hide under which name.
      localhost: embedded && values.TRUSTED_PROXIES === 0,
    },
    nodeId: values.NODE_ID ?? uniqueNodeId(services),
  };
}

/** The fields that depend on one variable each. */
const fieldsOf = (values: Variables) => ({
  port: values.PORT,
  socketPort: values.SOCKET_PORT,
  healthPort: values.HEALTH_PORT,
  metricsPort: values.METRICS_PORT,
  metricsHost: values.METRICS_HOST,
  otlpEndpoint: values.OTEL_EXPORTER_OTLP_ENDPOINT,
  traceShare: values.OTEL_TRACES_SAMPLER_ARG,
  amqpUrl: values.AMQP_URL,
  currency: values.CURRENCY,
  logLevel: values.LOG_LEVEL,
  accessLog: accessLogOf(values),
  namespace: values.NAMESPACE,
  rateScale: values.RATE_SCALE,
  socketUrl: values.SOCKET_URL && socketOrigin(values.SOCKET_URL),
  serviceWorker: values.SERVICE_WORKER === "1",
  publicUrl: values.PUBLIC_URL && publicOrigin(values.PUBLIC_URL),
  trustedProxies: values.TRUSTED_PROXIES,
  keepDays: values.KEEP_DAYS,
  allowLocalTargets: values.ALLOW_LOCAL_TARGETS === "1",
  pushServices: splitHosts(values.PUSH_SERVICES),
  mailServer: values.SMTP_URL
    ? parseSmtpUrl(values.SMTP_URL, values.ALLOW_PLAINTEXT === "1")
    : undefined,
  mailFrom: parseSender(values.MAIL_FROM ?? "noreply@souk.test")!,
});

const compiled = Compile(environment);
type Schema = TSchema & { default?: unknown; expected?: string; type?: string; format?: string };
const schemas: Record<string, Schema> = environment.properties;

/** All variables, converted to their types. A missing or faulty one has its default, so that the rest is checked too. */
function readVariables(source: Source, faults: string[]): Variables {
  const values: Record<string, unknown> = {};
  for (const [name, schema] of Object.entries(schemas)) {
    const isNumber = schema.type === "number" || schema.type === "integer";
    const text = source[name];
    if (text) values[name] = isNumber ? Number(text) : text;
    else if (!isOptional(name)) values[name] = schema.default;
  }
  const [, errors] = compiled.Errors(values);
  for (const name of new Set(errors.map(({ instancePath }) => instancePath.slice(1)))) {
    const { expected, format, default: fallback } = schemas[name]!;
    const text = source[name] ?? "";
    const reason = format === "mongo-url" ? mongoUrlFault(text) : undefined;
    faults.push(
      `${name} must be ${expected}; it is "${redact(text)}".${reason ? ` The MongoDB driver says: ${reason}` : ""}`,
    );
    values[name] = isOptional(name) ? undefined : fallback;
  }
  // The cast: each value matches the schema now, or is its default.
  return values as Variables;
}

const isOptional = (name: string) => !(environment.required as string[]).includes(name);

/** An unset variable means all services, an empty one none: a node with a REPL only. */
function readServices(text: string | undefined, faults: string[]): readonly ServiceName[] {
  if (text === undefined) return serviceNames;
  const names = text.split(",").filter(Boolean);
  const unknown = names.filter((name) => !serviceNames.includes(name as ServiceName));
  if (unknown.length > 0)
    faults.push(
      `SERVICES names ${unknown.join(", ")}, which does not exist. The services are ${serviceNames.join(", ")}.`,
    );
  return names as ServiceName[];
}

/**
 * A service's own URL may name its database. MONGO_URL gives each service a database of its own on one server: what it names
 * is where the driver looks for the user.
 */
function databasesOf(values: Variables, source: Source): Env["databases"] {
  const databaseOf = (owner: Owner): MongoDatabase | undefined => {
    const usual = `souk-${owner}`;
    const own = values[mongoUrlName(owner)];
    if (own) return { url: own, name: parseMongoUrl(own)?.database ?? usual };
    // A faulty URL of its own is reported; faults of MONGO_URL are not those of this service.
    const shared = source[mongoUrlName(owner)] ? undefined : values.MONGO_URL;
    return shared ? { url: shared, name: usual } : undefined;
  };
  return Object.fromEntries(
    owners.map((owner) => [owner, databaseOf(owner)] as const).filter(([, database]) => database),
  );
}

/** An embedded market makes its keys on first start; only a configuration without other faults may write a file. */
function readKeys(
  source: Source,
  { embedded, services, dataDir }: Pick<Env, "embedded" | "services" | "dataDir">,
  faults: string[],
): Keys {
  if (!embedded) return keysFromEnv(source, services, faults);
  return faults.length === 0 ? keysFromFile(dataDir, faults) : noKeys;
}

/** Those of the environment. An embedded market without one there uses the key of its file. */
function readPushKeys(
  source: Source,
  services: readonly ServiceName[],
  { push }: Keys,
  faults: string[],
): PushKeys {
  if (push && !source.PUSH_PRIVATE_JWK) return pushKeysOf(push);
  return pushKeysFromEnv(source, services, faults);
}

/** Random, because a restarted container keeps its host name, and RabbitMQ may still have the last node's queues. */
function uniqueNodeId(services: readonly ServiceName[]): string {
  const prefix =
    services.length === serviceNames.length ? "souk" : services.join("-") || "operator";
  const host = hostname()
    .replace(/[^\w-]/g, "-")
    .slice(0, 60);
  return `${prefix}-${host}-${randomBytes(3).toString("hex")}`;
}
