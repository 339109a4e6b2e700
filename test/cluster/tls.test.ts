/** TLS to RabbitMQ and MongoDB with a certificate authority made for the test. */
import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { connect as dial, type AddressInfo, type Socket } from "node:net";
import { join } from "node:path";
import { createServer, type Server } from "node:tls";
import amqplib from "amqplib";
import { MongoClient } from "mongodb";
import { eventually } from "../../bin/processes/eventually.ts";
import { clusterEnv, envOf } from "../../bin/processes/cluster-env.ts";
import { spawnNode, temporaryFolder, type Node } from "../../bin/processes/node-process.ts";
import {
  SERVER_START,
  sharedMongo,
  sharedRabbit,
  type Shared,
} from "../../bin/processes/servers.ts";

/** Terminates TLS in front of a server, so that the test does not depend on the TLS settings of each version. */
interface Front {
  port: number;
  close(): void;
}

const folder = temporaryFolder();
const file = (name: string) => join(folder.path, name);
const openssl = (...args: string[]) =>
  execFileSync("openssl", args, { cwd: folder.path, stdio: "pipe" });
let rabbit: Shared;
let mongo: Shared;
let fronts: Record<"amqp" | "mongo", Front>;
const nodes: Node[] = [];

beforeAll(async () => {
  certify();
  [rabbit, mongo] = await Promise.all([sharedRabbit(), sharedMongo()]);
  fronts = { amqp: await front(rabbit.url), mongo: await front(mongo.url) };
}, SERVER_START);
afterEach(() => Promise.all(nodes.splice(0).map((node) => node.end("SIGKILL"))));
afterAll(async () => {
  for (const each of Object.values(fronts ?? {})) each.close();
  await Promise.all([rabbit?.stop(), mongo?.stop()]);
  folder.remove();
});

/** An authority, and a certificate by it for 127.0.0.1 only. */
function certify(): void {
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  openssl(
    "req",
    "-x509",
    ...curve,
    "-keyout",
    "ca.key",
    "-out",
    "ca.pem",
    "-days",
    "1",
    "-subj",
    "/CN=Souk test authority",
  );
  openssl("req", ...curve, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=souk");
  writeFileSync(file("names"), "subjectAltName=IP:127.0.0.1\n");
  openssl(
    "x509",
    "-req",
    "-in",
    "server.csr",
    "-CA",
    "ca.pem",
    "-CAkey",
    "ca.key",
    "-out",
    "server.pem",
    "-days",
    "1",
    "-extfile",
    "names",
  );
}

async function front(to: string): Promise<Front> {
  const { port, hostname } = new URL(to);
  const open = new Set<Socket>();
  const server: Server = createServer(
    { key: readFileSync(file("server.key")), cert: readFileSync(file("server.pem")) },
    (outside) => {
      const inside = dial(Number(port), hostname);
      for (const [from, onto] of [
        [outside, inside],
        [inside, outside],
      ] as const) {
        open.add(from);
        from.on("error", () => onto.destroy()).on("close", () => onto.destroy());
        from.pipe(onto);
      }
    },
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      for (const socket of open) socket.destroy();
      server.close();
    },
  };
}

function node(change: { host?: string; ca?: string } = {}): Node {
  const { host = "127.0.0.1", ca = file("ca.pem") } = change;
  const user = new URL(rabbit.url);
  const amqp = `amqps://${user.username || "guest"}:${user.password || "guest"}@${host}:${fronts.amqp.port}`;
  const env = clusterEnv(amqp, `mongodb://${host}:${fronts.mongo.port}`);
  // `directConnection`, because the server announces its own address, which is not the front's.
  const USERS_MONGO_URL = `mongodb://${host}:${fronts.mongo.port}/souk-users-${randomUUID()}?tls=true&directConnection=true`;
  const made = spawnNode(["users"], {
    ...envOf("users", env),
    USERS_MONGO_URL,
    HEALTH_PORT: "0",
    LOG_LEVEL: "info",
    ...(ca && { NODE_EXTRA_CA_CERTS: ca }),
  });
  nodes.push(made);
  return made;
}

const says = (made: Node, what: RegExp) =>
  eventually(() => expect(made.output()).toMatch(what), { within: 15_000 });

describe("a node with the authority in NODE_EXTRA_CA_CERTS", () => {
  it("connects to RabbitMQ by amqps:// and MongoDB by tls=true", async () => {
    const made = node();
    await says(made, /Connected to RabbitMQ/);
    const database = new MongoClient(
      `mongodb://127.0.0.1:${fronts.mongo.port}/?tls=true&directConnection=true&tlsCAFile=${encodeURIComponent(file("ca.pem"))}`,
    );
    const names = async () =>
      (await database.db().admin().listDatabases()).databases.map(({ name }) => name);
    // The node creates its indexes after it has connected.
    await eventually(
      async () => expect((await names()).some((name) => name.startsWith("souk-users-"))).toBe(true),
      { within: 10_000 },
    );
    await database.close();
    expect(made.output()).not.toMatch(/is unavailable|Cannot connect/);
  }, 40_000);

  it("does not connect to a server whose certificate is for another name", async () => {
    const made = node({ host: "localhost" });
    await says(made, /Cannot connect to RabbitMQ.*(does not match|altnames)/i);
    await says(made, /MongoDB .* is unavailable.*(does not match|altnames)/i);
    expect(made.output()).not.toMatch(/Connected to RabbitMQ/);
  }, 40_000);
});

it("a node that does not trust the authority connects to neither", async () => {
  const made = node({ ca: "" });
  await says(made, /Cannot connect to RabbitMQ.*(certificate|issuer)/i);
  await says(made, /MongoDB .* is unavailable.*(certificate|issuer)/i);
  expect(made.output()).not.toMatch(/Connected to RabbitMQ/);
}, 40_000);

it("RabbitMQ and MongoDB refuse a client without TLS", async () => {
  await expect(
    amqplib.connect(`amqp://guest:guest@127.0.0.1:${fronts.amqp.port}`),
  ).rejects.toThrow();
  const plain = new MongoClient(`mongodb://127.0.0.1:${fronts.mongo.port}`, {
    serverSelectionTimeoutMS: 1000,
  });
  await expect(plain.db().command({ ping: 1 })).rejects.toThrow();
  await plain.close();
});
