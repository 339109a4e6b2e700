import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { resolve } from "node:path";
import { serviceNames, services as owners, type ServiceName } from "../contracts/actions.ts";
import { isCommonPassword } from "../domain/common-passwords.ts";
import { writableFolder } from "./folder.ts";
import { keysFromEnv, keysFromFile, type Keys } from "./keys.ts";

type Owner = (typeof owners)[number];

export interface Env {
  /** No transporter, everything in one process. */
  embedded: boolean;
  /** Of an embedded market over files: an empty one begins with sample people and items. */
  hasSamples: boolean;
  /** The services that this node hosts. */
  services: readonly ServiceName[];
  host: string;
  port: number;
  socketPort: number;
  healthPort: number | undefined;
  amqpUrl: string | undefined;
  /** Of the services that have one. */
  mongoUrls: Partial<Record<Owner, string>>;
  dataDir: string;
  keys: Keys;
  /** Exact origins that a browser may come from, besides the page's own. */
  corsOrigins: string[];
  currency: string;
  logLevel: string;
  nodeId: string;
  namespace: string;
  rateScale: number;
  socketUrl: string | undefined;
  trustedProxies: number;
}

type Source = Record<string, string | undefined>;

/** Every fault of a configuration, a sentence each. */
export class ConfigurationError extends Error {
  readonly faults: string[];
  constructor(faults: string[]) {
    super(`Souk is misconfigured:\n${faults.map((fault) => `  - ${fault}`).join("\n")}`);
    this.faults = faults;
  }
}

/** Reads and checks the whole configuration (docs: README, "Configuration"). Throws Misconfigured with all faults at once. */
export function readEnv(source: Source): Env {
  const faults: string[] = [];
  const read = reader(source, faults);
  const services = hosted(source.SERVICES, faults);
  const amqpUrl = read.url("AMQP_URL", ["amqp:", "amqps:"]);
  // A part of the market is for a cluster, whatever else is missing or wrong.
  const embedded = !source.AMQP_URL && services.length === serviceNames.length;
  const mongoUrls = mongo(read, source);
  const dataDir = resolve(read.text("DATA_DIR", "./data"));
  const plaintext = read.oneOf("ALLOW_PLAINTEXT", ["0", "1"], "0") === "1";
  if (embedded && services.some((name) => name !== "api" && !mongoUrls[name]))
    writableFolder("DATA_DIR", dataDir, faults);
  if (!embedded) faults.push(...clusterFaults(services, source));
  faults.push(...guessableFaults(services, amqpUrl, mongoUrls));
  if (!plaintext) faults.push(...plaintextFaults(services, amqpUrl, mongoUrls));
  const env: Env = {
    embedded,
    hasSamples: embedded && Object.keys(mongoUrls).length === 0,
    services,
    host: read.text("HOST", embedded ? "127.0.0.1" : "0.0.0.0"),
    port: read.port("PORT", 3000),
    socketPort: read.port("SOCKET_PORT", 3001),
    healthPort: source.HEALTH_PORT ? read.port("HEALTH_PORT", 0) : undefined,
    amqpUrl,
    mongoUrls,
    dataDir,
    keys: { public: [], private: undefined, samplePassword: undefined },
    corsOrigins: read.origins("CORS_ORIGINS"),
    currency: read.matching("CURRENCY", /^[A-Z]{3}$/, "EUR", "three capital letters, as EUR"),
    logLevel: read.oneOf("LOG_LEVEL", ["fatal", "error", "warn", "info", "debug", "trace"], "info"),
    nodeId: read.matching(
      "NODE_ID",
      /^[\w-]{1,100}$/,
      uniqueNodeId(services),
      "letters, digits, - and _",
    ),
    namespace: read.matching("NAMESPACE", /^[\w-]{0,50}$/, "", "letters, digits, - and _"),
    rateScale: read.number("RATE_SCALE", 1, 0.001, 1_000_000),
    socketUrl: read.origin("SOCKET_URL", ["http:", "https:", "ws:", "wss:"]),
    trustedProxies: read.number("TRUSTED_PROXIES", 0, 0, 10, true),
  };
  if (faults.length === 0)
    env.keys = embedded ? keysFromFile(dataDir, faults) : keysFromEnv(source, services, faults);
  else if (!embedded) keysFromEnv(source, services, faults);
  if (faults.length > 0) throw new ConfigurationError(faults);
  return env;
}

function hosted(names: string | undefined, faults: string[]): readonly ServiceName[] {
  if (names === undefined) return serviceNames;
  const asked = names.split(",").filter(Boolean);
  const unknown = asked.filter((name) => !serviceNames.includes(name as ServiceName));
  if (unknown.length > 0)
    faults.push(`There is no service ${unknown.join(", ")}: there are ${serviceNames.join(", ")}.`);
  return asked as ServiceName[];
}

const urlName = (owner: Owner) => `${owner.toUpperCase()}_MONGO_URL`;

/** One database per service: its own URL wins and keeps its path and options, else MONGO_URL with the path `souk-<service>`. */
function mongo(read: ReturnType<typeof reader>, source: Source): Env["mongoUrls"] {
  const urlOf = (owner: Owner) => {
    const own = urlName(owner);
    const url = read.mongo(source[own] ? own : "MONGO_URL");
    if (!url) return undefined;
    const named = /^(mongodb(?:\+srv)?:\/\/[^/?]+)\/?([^?]*)(\?.*)?$/.exec(url);
    const database = (source[own] && named?.[2]) || `souk-${owner}`;
    return `${named?.[1]}/${database}${named?.[3] ?? ""}`;
  };
  return Object.fromEntries(owners.map((owner) => [owner, urlOf(owner)]).filter(([, url]) => url));
}

/** What is given and wrong is reported where it is read. */
function clusterFaults(services: readonly ServiceName[], source: Source): string[] {
  const lonely =
    services.length > 0
      ? `${services.join(", ")} would have nobody to talk to`
      : "a node without services is there to join a cluster";
  const homeless = owners.filter(
    (name) => services.includes(name) && !source[urlName(name)] && !source.MONGO_URL,
  );
  return [
    ...(source.AMQP_URL ? [] : [`AMQP_URL is missing: ${lonely}.`]),
    ...homeless.map(
      (name) =>
        `This node of a cluster hosts ${name}: set ${urlName(name)} or MONGO_URL (the files of DATA_DIR serve one process).`,
    ),
  ];
}

/** Whoever can reach a server elsewhere tries what is guessed first. */
function guessableFaults(
  services: readonly ServiceName[],
  amqpUrl: string | undefined,
  mongoUrls: Env["mongoUrls"],
): string[] {
  const urls = [...brokersOf(amqpUrl), ...usedOf(services, mongoUrls)].filter(leavesHere);
  return [...new Set(urls.flatMap(whyGuessable))];
}

function whyGuessable(url: string): string[] {
  const [user, password] = credentialsOf(url);
  if (/^amqps?:/.test(url) && (user || "guest") === "guest" && (password || "guest") === "guest")
    return [
      "AMQP_URL has RabbitMQ's default user guest on another host: give it a user of its own.",
    ];
  if (
    password === "" ||
    !(password.toLowerCase() === user.toLowerCase() || isCommonPassword(password))
  )
    return [];
  return [
    `${redacted(url)} has a password that is guessed first, its user's name or a common one: make a random one.`,
  ];
}

/** User and password, as the server will read them. A password may hold an unescaped @ or /. */
function credentialsOf(url: string): [string, string] {
  const [user = "", ...password] = (/^\w[\w+.-]*:\/\/([^?]*)@/.exec(url)?.[1] ?? "").split(":");
  return [decoded(user), decoded(password.join(":"))];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const brokersOf = (amqpUrl = "") => amqpUrl.split(";").filter(Boolean);
/** Those of the services that this node hosts. */
const usedOf = (services: readonly ServiceName[], mongoUrls: Env["mongoUrls"]) =>
  services.flatMap((name) => (name !== "api" && mongoUrls[name] ? [mongoUrls[name]] : []));
const leavesHere = (url: string) => hostsOf(url).some((host) => !isLoopback(host));

function plaintextFaults(
  services: readonly ServiceName[],
  amqpUrl: string | undefined,
  mongoUrls: Env["mongoUrls"],
): string[] {
  return [...new Set([...brokersOf(amqpUrl), ...usedOf(services, mongoUrls)])]
    .filter((url) => isPlaintext(url) && leavesHere(url))
    .map(
      (url) =>
        `${redacted(url)} is not encrypted, or by TLS that checks nobody, and leaves this machine: use TLS, or set ALLOW_PLAINTEXT=1.`,
    );
}

/** Whether others on the way could read along; or step in between, where TLS checks nobody's certificate. */
function isPlaintext(url: string): boolean {
  if (/^amqps?:/.test(url)) return url.startsWith("amqp:");
  const options = new URLSearchParams(url.split("?")[1]?.toLowerCase());
  const tls = options.get("tls") ?? options.get("ssl") ?? String(url.startsWith("mongodb+srv:"));
  return (
    tls !== "true" ||
    ["tlsinsecure", "tlsallowinvalidcertificates", "tlsallowinvalidhostnames"].some(
      (name) => options.get(name) === "true",
    )
  );
}
const hostsOf = (url: string) =>
  (/^\w+:\/\/(?:[^@/]*@)?([^/?]*)/.exec(url)?.[1] ?? "")
    .split(",")
    .map((host) => host.replace(/:\d+$/, ""));
const isLoopback = (host: string) => /^(localhost|127(\.\d+){3}|\[::1\])$/.test(host);
/** A URL as it may be shown: a password may hold an unescaped / or @, and options may be secret. */
export const redacted = (url: string) =>
  url.replace(/(^|\/\/)[^]*@/, "$1…@").replace(/\?[^]*$/, "?…");

/** A container that restarts keeps its host name and its process ids; RabbitMQ may not have noticed that the one before has gone. */
function uniqueNodeId(services: readonly ServiceName[]): string {
  const what = services.length === serviceNames.length ? "souk" : services.join("-") || "repl";
  return `${what}-${hostname()
    .replace(/[^\w-]/g, "-")
    .slice(0, 60)}-${randomBytes(3).toString("hex")}`;
}

/** As browsers write it: not a letter more. A host of which a policy could read more than a name is none. */
const isOrigin = (text: string) =>
  URL.canParse(text) && new URL(text).origin === text && !/[^\w.:/[\]-]/.test(text);
const beginnings = (protocols: string[]) =>
  protocols.map((protocol) => `${protocol}//`).join(" or ");

/** One reader for each kind of value; what is wrong is noted, and a default stands in so that the rest is read too. */
function reader(source: Source, faults: string[]) {
  const value = (name: string) => source[name] || undefined;
  const fault = (name: string, expected: string) =>
    void faults.push(`${name} must be ${expected}; it is "${redacted(source[name] ?? "")}".`);
  const text = (name: string, fallback: string) => value(name) ?? fallback;
  const matching = (name: string, pattern: RegExp, fallback: string, expected: string) => {
    if (value(name) && !pattern.test(value(name)!)) fault(name, expected);
    return text(name, fallback);
  };
  const number = (name: string, fallback: number, min: number, max: number, whole = false) => {
    const given = Number(value(name) ?? fallback);
    if (!(given >= min && given <= max) || (whole && !Number.isInteger(given)))
      fault(name, `a ${whole ? "whole " : ""}number from ${min} to ${max}`);
    return given;
  };
  const url = (name: string, protocols: string[]) => {
    const given = value(name);
    if (
      !given ||
      (URL.canParse(given) && protocols.includes(new URL(given).protocol) && new URL(given).host)
    )
      return given;
    fault(name, `a URL that begins with ${beginnings(protocols)}`);
    return undefined;
  };
  const origin = (name: string, protocols: string[]) => {
    const given = value(name);
    if (given && !(isOrigin(given) && protocols.includes(new URL(given).protocol)))
      fault(name, `an exact origin, without a path, that begins with ${beginnings(protocols)}`);
    return given;
  };
  return {
    text,
    matching,
    number,
    url,
    origin,
    port: (name: string, fallback: number) => number(name, fallback, 0, 65_535, true),
    oneOf: (name: string, values: string[], fallback: string) =>
      matching(
        name,
        new RegExp(`^(${values.join("|")})$`),
        fallback,
        `one of ${values.join(", ")}`,
      ),
    mongo: (name: string) => {
      // Not by the URL class: a replica set names several hosts.
      const given = value(name);
      if (!given || /^mongodb(\+srv)?:\/\/[^/?\s]+(\/[^?\s]*)?(\?\S*)?$/.test(given)) return given;
      const note = `${name} must be a URL that begins with mongodb:// or mongodb+srv://; it is "${redacted(given)}".`;
      if (!faults.includes(note)) faults.push(note);
      return undefined;
    },
    origins: (name: string) => {
      const origins = text(name, "")
        .split(",")
        .map((origin) => origin.trim())
        .filter(Boolean);
      if (!origins.every(isOrigin))
        fault(name, "exact origins with commas between, as https://shop.example");
      return origins;
    },
  };
}

function readOrExit(): Env {
  try {
    return readEnv(process.env);
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    console.error(error.message);
    return process.exit(1);
  }
}

/** This process's configuration, read once. */
export const env = readOrExit();
