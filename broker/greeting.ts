import type { ServiceBroker } from "moleculer";
import { samplePeople } from "../domain/samples.ts";
import { typedCall } from "./context.ts";
import type { Env } from "./env.ts";

/** A service that listens has this method. */
interface Listening {
  address?(): { address: string; port: number } | null;
}

/**
 * The text that a node prints when it has started: its addresses, and for a sample market its accounts and a
 * purchase to copy and paste.
 */
export async function greeting(broker: ServiceBroker, env: Env): Promise<string> {
  const api = originOf(broker, "api", env.host);
  const sockets = originOf(broker, "notifications", env.host);
  const addresses = [api && `HTTP at ${api}`, sockets && `Socket.IO at ${sockets}`];
  const isOpen = `Souk is open: ${addresses.filter(Boolean).join(", ") || broker.nodeID}`;
  if (!env.hasSamples) return isOpen;
  const withData = `${isOpen}\nThe data is in ${env.dataDir}\n`;
  const password = env.keys.samplePassword;
  if (!api || !password || !(await hasSampleAccounts(broker))) return withData;
  const emails = samplePeople.map(({ email }) => email).join(", ");
  return `${withData}
You can sign in as ${emails}.
The password of each is ${password}
${await purchase(broker, api, password).catch(() => "")}`;
}

/** The origin of a service that listens in this process, by this host. */
export function originOf(broker: ServiceBroker, service: string, host: string): string | undefined {
  // The cast: a schema's methods are not part of Moleculer's type of a service.
  const { port } = (broker.getLocalService(service) as Listening | null)?.address?.() ?? {};
  return port ? `http://${host.includes(":") ? `[${host}]` : host}:${port}` : undefined;
}

/** A market that had accounts before its keys were made has none of the sample accounts. */
async function hasSampleAccounts(broker: ServiceBroker): Promise<boolean> {
  const call = typedCall(broker);
  const found = await Promise.allSettled(
    samplePeople.map(({ id }) => call("users.profile", { id })),
  );
  return found.every(({ status }) => status === "fulfilled");
}

/** Shell commands that buy an item which is for sale. Empty when there is none. A failure must not stop the node. */
async function purchase(broker: ServiceBroker, api: string, password: string): Promise<string> {
  const buyer = samplePeople.at(-1)!;
  const { items } = await typedCall(broker)("market.items", { sold: false });
  const item = items.find(({ sellerId }) => sellerId !== buyer.id);
  if (!item) return "";
  return `
To sign in as ${buyer.email} and buy item ${item.id} (${item.title}):

  TOKEN=$(curl -s ${api}/users/login -H 'content-type: application/json' \\
    -d '{"email":"${buyer.email}","password":"${password}"}' | sed 's/.*"accessToken":"\\([^"]*\\)".*/\\1/')
  curl -X POST ${api}/market/buy/${item.id} -H "authorization: Bearer $TOKEN"
`;
}
