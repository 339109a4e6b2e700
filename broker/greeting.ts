import type { ServiceBroker } from "moleculer";
import { samplePeople } from "../domain/samples.ts";
import type { Env } from "./env.ts";

/** Where a local service listens; a service that does says so by this method. */
interface Listening {
  address?(): { address: string; port: number } | null;
}

/** What a new user needs to see once everything runs: where to reach it, who to be, and a purchase to copy and paste. */
export function greeting(broker: ServiceBroker, { hasSamples, host, keys, dataDir }: Env): string {
  const at = (service: string) => {
    const { port } = (broker.getLocalService(service) as Listening | null)?.address?.() ?? {};
    return port ? `http://${host.includes(":") ? `[${host}]` : host}:${port}` : undefined;
  };
  const [api, socket] = [at("api"), at("notifications")];
  const where = [api && `HTTP at ${api}`, socket && `Socket.IO at ${socket}`]
    .filter(Boolean)
    .join(", ");
  const runs = `Souk is open: ${where || broker.nodeID}`;
  if (!hasSamples) return runs;
  const kept = `${runs}; its data is in ${dataDir}`;
  if (!api || !keys.samplePassword) return kept;
  const buyer = samplePeople.at(-1)!.email;
  return `${kept}

Sign in as ${samplePeople.map(({ email }) => email).join(", ")}; the password of each is ${keys.samplePassword}

Sign in and buy item 1 (once: then it is sold):

  TOKEN=$(curl -s ${api}/users/login -H 'content-type: application/json' \\
    -d '{"email":"${buyer}","password":"${keys.samplePassword}"}' | sed 's/.*"accessToken":"\\([^"]*\\)".*/\\1/')
  curl -X POST ${api}/market/buy/1 -H "authorization: Bearer $TOKEN"
`;
}
