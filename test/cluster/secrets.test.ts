/** What RabbitMQ writes to its disk while a service does not take its messages. */
import { readdirSync, readFileSync, realpathSync } from "node:fs";
import { randomBytes } from "node:crypto";
import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { JWK } from "jose";
import { ServiceBroker } from "moleculer";
import { amqp, brokerDefaults, type ResilientAmqp } from "../../broker/amqp/transporter.ts";
import { sealing } from "../../broker/sealing.ts";
import { clusterEnv, envOf } from "../../bin/processes/cluster-env.ts";
import { startNode, type Node } from "../../bin/processes/node-process.ts";
import {
  SERVER_START,
  sharedMongo,
  startRabbit,
  type Server,
  type Shared,
} from "../../bin/processes/servers.ts";

let rabbit: Server;
let mongo: Shared;
let users: Node;
/** A node that calls users, as api does. */
let caller: ServiceBroker;

beforeAll(async () => {
  [rabbit, mongo] = await Promise.all([startRabbit(), sharedMongo()]);
  const env = clusterEnv(rabbit.url, mongo.url);
  const { keys } = JSON.parse(Buffer.from(env.AUTH_JWKS, "base64url").toString()) as {
    keys: JWK[];
  };
  users = await startNode(["users"], envOf("users", env));
  caller = new ServiceBroker({
    ...brokerDefaults,
    nodeID: "caller",
    namespace: env.NAMESPACE,
    transporter: amqp(rabbit.url),
    logger: false,
    middlewares: [sealing({ public: keys, private: undefined })],
  });
  await caller.start();
  await caller.waitForServices("users");
}, SERVER_START);
afterAll(async () => {
  users?.child.kill("SIGCONT");
  await caller?.stop();
  await users?.end("SIGKILL");
  await Promise.all([rabbit?.stop(), mongo?.stop()]);
}, 60_000);

/** All bytes in the server's folders, as text. A server in a chroot keeps its data in the folder of its pid file. */
function disk(): string {
  const folders = [rabbit.dir, dirname(realpathSync(join(rabbit.dir, "pid")))];
  const files = [...new Set(folders)].flatMap((folder) =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name)),
  );
  return files.map(textOf).join("\n");
}

/** Empty when RabbitMQ has removed the file since it was listed. */
function textOf(file: string): string {
  try {
    return readFileSync(file, "latin1");
  } catch {
    return "";
  }
}

it("holds no password of the sign-ins that a frozen users service does not take", async () => {
  const { transporter } = caller.options as { transporter: ResilientAmqp };
  const { version } = transporter.session!.connection.connection.serverProperties;
  const passwords = Array.from({ length: 2_000 }, () => randomBytes(100).toString("hex"));
  const folded = "x".repeat(200);
  const leaked = new Set<string>();
  function search(): number {
    const found = disk();
    for (const secret of [folded, ...passwords]) if (found.includes(secret)) leaked.add(secret);
    return found.split("users.login").length - 1;
  }
  /** Returns the number of requests that RabbitMQ wrote: each names its action. */
  async function round(): Promise<number> {
    await caller.waitForServices("users");
    users.child.kill("SIGSTOP");
    let isOver = false;
    const answers: Promise<unknown>[] = [];
    for (const password of passwords) {
      const email = `${answers.length}${folded}@souk.test`;
      answers.push(caller.call("users.login", { email, password }).catch(() => null));
      // A node whose event loop stands for long drops its connection.
      if (answers.length % 50 === 0) await pause(1);
    }
    const over = Promise.all(answers).then(() => (isOver = true));
    let written = 0;
    while (!isOver && written < 10) {
      written = search();
      await pause(50);
    }
    await over;
    written = Math.max(written, search());
    users.child.kill("SIGCONT");
    return written;
  }

  // RabbitMQ 4 writes most of such queues, RabbitMQ 3 only when it needs memory.
  const least = version.startsWith("4") ? 10 : 0;
  while ((await round()) < least);
  expect(leaked.size).toBe(0);
}, 120_000);
