/** Faults that several variables of the environment cause together, a sentence each. */
import { services as owners } from "../../contracts/actions.ts";
import { mongoUrlName } from "./schema.ts";
import { hasDefaultUser, hasWeakPassword, isPlaintext, isRemote, redact } from "./urls.ts";

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
  const faults = urls
    .filter(isRemote)
    .flatMap((url) => [credentialsFault(url), allowPlaintext ? undefined : plaintextFault(url)]);
  return [...new Set(faults)].filter((fault) => fault !== undefined);
}

function credentialsFault(url: string): string | undefined {
  if (isAmqp(url) && hasDefaultUser(url))
    return "AMQP_URL has RabbitMQ's default user guest on another machine. Create a user for Souk.";
  return hasWeakPassword(url)
    ? `The password in ${redact(url)} is easily guessed. Generate a random one.`
    : undefined;
}

function plaintextFault(url: string): string | undefined {
  if (!isPlaintext(url)) return undefined;
  const remedy = isAmqp(url) ? "amqps://" : "tls=true with verified certificates";
  return `The connection to ${redact(url)} is not encrypted. Use ${remedy}, or set ALLOW_PLAINTEXT=1 on a private network.`;
}

const isAmqp = (url: string) => /^amqps?:/.test(url);
