import {
  sharedMongo,
  sharedRabbit,
  startMongo,
  startRabbit,
  type Server,
  type Shared,
} from "../../bin/processes/servers.ts";
import { services } from "../../contracts/actions.ts";

/** A service that owns a database. */
export type Owner = (typeof services)[number];

/** The servers of a cluster. Services may share a database server. */
export interface Servers<S> {
  rabbit: S;
  mongos: Record<Owner, S>;
}

const byOwner = async <S>(start: () => Promise<S>): Promise<Record<Owner, S>> => {
  const started = services.map(async (owner) => [owner, await start()] as const);
  return Object.fromEntries(await Promise.all(started)) as Record<Owner, S>;
};

/** A private RabbitMQ and a database server for each service, all of which may be killed. */
export async function ownServers(): Promise<Servers<Server>> {
  const [rabbit, mongos] = await Promise.all([startRabbit(), byOwner(startMongo)]);
  return { rabbit, mongos };
}

/** The servers at AMQP_URL and MONGO_URL where these are set. They must not be killed. */
export async function sharedServers(): Promise<Servers<Shared>> {
  const [rabbit, mongo] = await Promise.all([sharedRabbit(), sharedMongo()]);
  return { rabbit, mongos: await byOwner(async () => mongo) };
}
