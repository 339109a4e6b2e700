/** Faults that several variables of the environment cause together, a sentence each. */
import { services as owners } from "../../contracts/actions.ts";
import { mongoUrlName } from "./schema.ts";
import { isCommonPassword } from "../../domain/common-passwords.ts";
import { parseAmqpUrl } from "./amqp-urls.ts";
import { isLocal } from "./local-host.ts";
import { parseMongoUrl } from "./mongo-url.ts";
import type { ServerUrl } from "./server-url.ts";
import { redact } from "./urls.ts";

/** What a cluster node with these services lacks. A variable with a faulty value is not missing. */
export function missingVariables(
  source: Record<string, string | undefined>,
  services: readonly string[],
): string[] {
  const withoutDatabase = owners.filter(
    (name) => services.includes(name) && !source[mongoUrlName(name)] && !source.MONGO_URL,
  );
  return [
    ...(source.AMQP_URL
      ? []
      : ["AMQP_URL is missing. A node without all services reaches the others over RabbitMQ."]),
    ...withoutDatabase.map(
      (name) =>
        `${mongoUrlName(name)} or MONGO_URL is missing. In a cluster, ${name} stores its data in MongoDB.`,
    ),
  ];
}

/** URLs to other machines need TLS, and credentials that are not easily guessed. */
export function urlFaults(urls: string[], allowPlaintext: boolean): string[] {
  const faults = urls.flatMap((url) => {
    const server = parseAmqpUrl(url) ?? parseMongoUrl(url);
    if (!server || !isRemote(server)) return [];
    return [
      credentialsFault(server, url),
      allowPlaintext ? undefined : plaintextFault(server, url),
    ];
  });
  return [...new Set(faults)].filter((fault) => fault !== undefined);
}

function credentialsFault(server: ServerUrl, url: string): string | undefined {
  if (server.kind === "RabbitMQ" && hasDefaultUser(server))
    return "AMQP_URL has RabbitMQ's default user guest on another machine. Create a user for Souk.";
  return hasWeakPassword(server)
    ? `The password in ${redact(url)} is easily guessed. Generate a random one.`
    : undefined;
}

function plaintextFault({ kind, isProtected }: ServerUrl, url: string): string | undefined {
  if (isProtected) return undefined;
  const remedy = kind === "RabbitMQ" ? "amqps://" : "tls=true with verified certificates";
  return `The connection to ${redact(url)} is not encrypted. Use ${remedy}, or set ALLOW_PLAINTEXT=1 on a private network.`;
}

/** Strangers' URLs that lead to this machine would reach what only this machine may. */
export const localTargetFaults = (isAllowed: boolean, host: string): string[] =>
  isAllowed && !isLocal(host)
    ? ["ALLOW_LOCAL_TARGETS=1 is for development: HOST must be a loopback address."]
    : [];

/** Whether any of the hosts is another machine. */
const isRemote = ({ hosts }: ServerUrl): boolean => hosts.some((host) => !isLocal(host));

/** Whether the user is RabbitMQ's default: guest, with the password guest. */
const hasDefaultUser = ({ user, password }: ServerUrl): boolean =>
  (user || "guest") === "guest" && (password || "guest") === "guest";

/** Whether the password is a common one, or the name of its user. */
const hasWeakPassword = ({ user, password }: ServerUrl): boolean =>
  password !== "" && (password.toLowerCase() === user.toLowerCase() || isCommonPassword(password));

/** What a node lacks that sends mails. */
export function mailFaults(
  source: Record<string, string | undefined>,
  services: readonly string[],
): string[] {
  if (!source.SMTP_URL || !services.includes("deliveries")) return [];
  const missing = ["MAIL_FROM", "PUBLIC_URL"].filter((name) => !source[name]);
  return missing.map((name) => `${name} is missing. Mails by SMTP_URL need it.`);
}
