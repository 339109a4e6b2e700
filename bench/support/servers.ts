/** RabbitMQ and the database, one of each for all that runs: what is compared meets the same servers. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { connect } from "amqplib";
import { sharedMongo, sharedRabbit, type Shared } from "../../bin/processes/servers.ts";

let started: Promise<{ rabbit: Shared; mongo: Shared }> | undefined;

/** Started by whoever asks first. */
export const servers = () =>
  (started ??= Promise.all([sharedRabbit(), sharedMongo()]).then(([rabbit, mongo]) => ({
    rabbit,
    mongo,
  })));

/** Whoever asks next starts others, with nothing in them. */
export async function stopServers(): Promise<void> {
  const running = await started?.catch(() => undefined);
  started = undefined;
  await Promise.all([running?.rabbit.stop(), running?.mongo.stop()]);
}

/** What they say they are. */
export async function serverVersions(): Promise<{ rabbit: string; mongo: string }> {
  const { rabbit } = await servers();
  const connection = await connect(rabbit.url);
  const { product, version } = connection.connection.serverProperties;
  await connection.close();
  const mongod = process.env.MONGOD || "mongod";
  const [command = "", ...args] = mongod.split(/\s+/);
  const said = process.env.MONGO_URL
    ? "the one at MONGO_URL"
    : await promisify(execFile)(command, [...args, "--version"]).then(
        ({ stdout }) => stdout,
        () => mongod,
      );
  const [first = ""] = said.split("\n");
  return {
    rabbit: `${product} ${version}`,
    mongo: /^(db version|the one)/.test(first) ? first : `${first} (a MongoDB-compatible stand-in)`,
  };
}
