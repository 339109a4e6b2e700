/** One RabbitMQ and one database for all systems under test, so that they compete for the same servers. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { connect } from "amqplib";
import { sharedMongo, sharedRabbit, type Shared } from "../../bin/processes/servers.ts";

let started: Promise<{ rabbit: Shared; mongo: Shared }> | undefined;

/** Starts the servers on the first call. */
export const servers = () =>
  (started ??= Promise.all([sharedRabbit(), sharedMongo()]).then(([rabbit, mongo]) => ({
    rabbit,
    mongo,
  })));

/** The next call of `servers` starts new, empty ones. */
export async function stopServers(): Promise<void> {
  const running = await started?.catch(() => undefined);
  started = undefined;
  await Promise.all([running?.rabbit.stop(), running?.mongo.stop()]);
}

/** Product names and versions, as the servers report them. */
export async function serverVersions(): Promise<{ rabbit: string; mongo: string }> {
  const { rabbit } = await servers();
  const connection = await connect(rabbit.url);
  const { product, version } = connection.connection.serverProperties;
  await connection.close();
  return { rabbit: `${product} ${version}`, mongo: await mongoVersion() };
}

async function mongoVersion(): Promise<string> {
  if (process.env.MONGO_URL) return "the server at MONGO_URL";
  const mongod = process.env.MONGOD || "mongod";
  const [command = "", ...args] = mongod.split(/\s+/);
  const output = await promisify(execFile)(command, [...args, "--version"]).then(
    ({ stdout }) => stdout,
    () => mongod,
  );
  const [first = ""] = output.split("\n");
  return first.startsWith("db version") ? first : `${first} (a MongoDB-compatible stand-in)`;
}
