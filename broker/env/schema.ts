/**
 * The environment of a node: every variable with its type, default, description, and what a value must be.
 * The README's table "Configuration" is checked against this schema.
 */
import Type, { type Static, type TSchemaOptions } from "typebox";
import Format from "typebox/format";
import { services } from "../../contracts/actions.ts";
import { currencies } from "../../contracts/currencies.ts";
import { isHostPattern, knownPushServices, splitHosts } from "../../domain/push-services.ts";
import { areAmqpUrls } from "./amqp-urls.ts";
import { parseMongoUrl } from "./mongo-url.ts";
import { parseSender, parseSmtpUrl } from "./smtp-url.ts";
import { isEndpoint, pageOrigin, publicOrigin, socketOrigin, splitOrigins } from "./urls.ts";

const knownCurrencies = new Set(currencies());
Format.Set("currency", (text) => knownCurrencies.has(text));
Format.Set("amqp-url", areAmqpUrls);
Format.Set("mongo-url", (text) => parseMongoUrl(text) !== undefined);
Format.Set("hosts", (text) => splitHosts(text).every(isHostPattern));
Format.Set("smtp-url", (text) => parseSmtpUrl(text) !== undefined);
Format.Set("mail-from", (text) => parseSender(text) !== undefined);
Format.Set("otlp-endpoint", isEndpoint);
Format.Set("origins", (text) => splitOrigins(text).every((one) => pageOrigin(one) !== undefined));
Format.Set("public-url", (text) => publicOrigin(text) !== undefined);
Format.Set("socket-origin", (text) => socketOrigin(text) !== undefined);

/** `expected` completes the sentence "NAME must be …" when a value does not match. */
interface Options extends TSchemaOptions {
  description: string;
  expected?: string;
}

const port = (options: Options & { default?: number }) =>
  Type.Integer({
    minimum: 0,
    maximum: 65_535,
    expected: "a whole number from 0 to 65535",
    ...options,
  });
const optional = (options: Options) => Type.Optional(Type.String(options));
const mongoUrl = (description: string) =>
  optional({
    format: "mongo-url",
    expected: "a URL of MongoDB that begins with mongodb:// or mongodb+srv://",
    description,
  });

type Owner = (typeof services)[number];
export type MongoUrlName = `${Uppercase<Owner>}_MONGO_URL`;
/** The variable with the database URL of one service. */
export const mongoUrlName = (owner: Owner) => `${owner.toUpperCase()}_MONGO_URL` as MongoUrlName;

const levels = ["fatal", "error", "warn", "info", "debug", "trace"] as const;

// The cast: Object.fromEntries does not keep the names.
const mongoUrls = Object.fromEntries(
  services.map((owner) => [
    mongoUrlName(owner),
    mongoUrl(`The MongoDB of ${owner}; it wins over MONGO_URL, and may name the database`),
  ]),
) as Record<MongoUrlName, ReturnType<typeof mongoUrl>>;

export const environment = Type.Object({
  AMQP_URL: optional({
    format: "amqp-url",
    expected:
      "a URL that begins with amqp:// or amqps://, or several, separated by commas or semicolons",
    description:
      "RabbitMQ, several hosts or URLs separated by commas; without it, everything runs in this process",
  }),
  MONGO_URL: mongoUrl("MongoDB; each service uses the database souk-<service>"),
  ...mongoUrls,
  AUTH_JWKS: optional({ description: "The public keys that check access tokens" }),
  AUTH_PRIVATE_JWK: optional({ description: "The private key that signs them, for users only" }),
  PUSH_PRIVATE_JWK: optional({
    description: "The private key that signs web pushes, for deliveries only",
  }),
  PUSH_PUBLIC_KEY: optional({ description: "The public key of web push, for api" }),
  PUSH_SERVICES: Type.String({
    format: "hosts",
    default: knownPushServices.join(","),
    expected: "hosts separated by commas, for example push.example or *.push.example",
    description: "The hosts of push services that browsers may subscribe at",
  }),
  HOST: optional({
    description: "The address to listen on: 127.0.0.1, in a cluster 0.0.0.0",
  }),
  PORT: port({ default: 3000, description: "The port of api; 0 takes a free one" }),
  SOCKET_PORT: port({ default: 3001, description: "The port of Socket.IO; 0 takes a free one" }),
  HEALTH_PORT: Type.Optional(
    port({ description: "The port of the health checks of a node without api" }),
  ),
  METRICS_PORT: Type.Optional(
    port({ description: "The port of /metrics for operators; without it, nothing is measured" }),
  ),
  METRICS_HOST: Type.String({
    default: "127.0.0.1",
    description: "The address on which METRICS_PORT listens",
  }),
  OTEL_EXPORTER_OTLP_ENDPOINT: optional({
    format: "otlp-endpoint",
    expected: "a URL that begins with http:// or https://, without a query",
    description: "Where traces are sent by OTLP over HTTP; without it, nothing is traced",
  }),
  OTEL_TRACES_SAMPLER_ARG: Type.Number({
    minimum: 0,
    maximum: 1,
    default: 1,
    expected: "a number from 0 to 1",
    description: "The share of requests that are traced",
  }),
  DATA_DIR: Type.String({
    default: "./data",
    description: "The files and keys of an embedded market, for one process at a time",
  }),
  CORS_ORIGINS: Type.String({
    format: "origins",
    default: "",
    expected:
      "origins without a path, separated by commas, for example https://shop.example or capacitor://localhost",
    description: "Origins of other pages that may call api",
  }),
  CURRENCY: Type.String({
    format: "currency",
    default: "EUR",
    expected:
      "the ISO 4217 code of a currency that is in use and has a minor unit, for example EUR",
    description: "The currency of all prices",
  }),
  SERVICES: optional({ description: "The services of this node, separated by commas" }),
  NODE_ID: optional({
    pattern: "^[\\w-]{1,100}$",
    expected: "1 to 100 letters, digits, hyphens and underscores",
    description: "A unique name of this node",
  }),
  NAMESPACE: Type.String({
    pattern: "^[\\w-]{0,50}$",
    default: "",
    expected: "at most 50 letters, digits, hyphens and underscores",
    description: "Separates several clusters on one RabbitMQ",
  }),
  LOG_LEVEL: Type.Enum([...levels], {
    default: "info",
    expected: `one of ${levels.join(", ")}`,
    description: "The least severe level that is logged",
  }),
  ACCESS_LOG: Type.Enum(["0", "1"], {
    default: "0",
    expected: "0 or 1",
    description: "1 logs a line for each request to api; LOG_LEVEL=debug does so, too",
  }),
  RATE_SCALE: Type.Number({
    minimum: 0.001,
    maximum: 1_000_000,
    default: 1,
    expected: "a number from 0.001 to 1000000",
    description: "Multiplies every rate and connection limit",
  }),
  TRUSTED_PROXIES: Type.Integer({
    minimum: 0,
    maximum: 10,
    default: 0,
    expected: "a whole number from 0 to 10",
    description: "The number of proxies in front, whose X-Forwarded-For is believed",
  }),
  SOCKET_URL: optional({
    format: "socket-origin",
    expected: "an origin without a path that begins with http://, https://, ws:// or wss://",
    description: "The public origin of Socket.IO, when it is not api's host at SOCKET_PORT",
  }),
  PUBLIC_URL: optional({
    format: "public-url",
    expected: "an origin without a path that begins with http:// or https://",
    description: "The public origin of the page, in links of its tags and sitemap",
  }),
  SMTP_URL: optional({
    format: "smtp-url",
    expected:
      "the URL of a mail server without path and options, for example smtps://user:password@mail.example",
    description: "The mail server that deliveries uses; without it, a cluster sends no mails",
  }),
  MAIL_FROM: optional({
    format: "mail-from",
    expected: "an email address, or a name and an address: Souk <noreply@souk.example>",
    description: "The sender of mails",
  }),
  SERVICE_WORKER: Type.Enum(["0", "1"], {
    default: "1",
    expected: "0 or 1",
    description: "0 removes the page's service worker from browsers",
  }),
  KEEP_DAYS: Type.Integer({
    minimum: 1,
    maximum: 36_500,
    default: 90,
    expected: "a whole number from 1 to 36500",
    description: "Read notices are removed this many days after they were shown",
  }),
  ALLOW_PLAINTEXT: Type.Enum(["0", "1"], {
    default: "0",
    expected: "0 or 1",
    description: "1 permits unencrypted AMQP, MongoDB and SMTP connections to other machines",
  }),
  ALLOW_LOCAL_TARGETS: Type.Enum(["0", "1"], {
    default: "0",
    expected: "0 or 1",
    description: "1 permits webhooks and push services on this machine, for development",
  }),
});

export type Variables = Static<typeof environment>;
