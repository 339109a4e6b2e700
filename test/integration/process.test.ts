/** The market as a process: `npm start`, seen from outside. */
import { execFile } from "node:child_process";
import { rmSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Item } from "../../contracts/market.ts";
import type { Inbox } from "../../contracts/notifications.ts";
import type { Session } from "../../contracts/users.ts";
import { Client } from "../support/client.ts";
import { eventually } from "../../bin/processes/eventually.ts";
import { clusterEnv } from "../../bin/processes/cluster-env.ts";
import {
  spawnNode,
  startNode,
  temporaryFolder,
  type Node,
} from "../../bin/processes/node-process.ts";

const run = promisify(execFile);
const root = join(import.meta.dirname, "../..");
const nodes: Node[] = [];
const folders: { remove(): void }[] = [];

afterEach(async () => {
  await Promise.all(nodes.splice(0).map((node) => node.end("SIGKILL")));
  for (const folder of folders.splice(0)) folder.remove();
});

function dataDir(): string {
  const folder = temporaryFolder();
  folders.push(folder);
  return folder.path;
}

async function market(env: Record<string, string>): Promise<Node> {
  const node = await startNode([], env);
  nodes.push(node);
  return node;
}

/** Starts a node that must fail. Returns its exit code and its output. */
async function refused(
  names: string[],
  env: Record<string, string>,
): Promise<[number | string, string]> {
  const node = spawnNode(names, env);
  nodes.push(node);
  await eventually(() => expect(node.child.exitCode).not.toBeNull(), { within: 10_000 });
  return [await node.end(), node.output()];
}

async function signIn(node: Node, email: string): Promise<Client> {
  const password = /The password of each is (\S+)/.exec(node.output())![1];
  return new Client(
    node.api,
    (await new Client(node.api).call<Session>("POST", "/users/login", { email, password })).body,
  );
}

describe("an embedded market", () => {
  it("opens with a sample market and prints commands that buy an item", async () => {
    const node = await market({ DATA_DIR: dataDir() });
    const { items } = (
      await new Client(node.api).call<{ items: Item[] }>("GET", "/market/items?limit=100")
    ).body;
    expect(items.map(({ id }) => id)).toEqual(Array.from({ length: 12 }, (_, n) => `${n + 1}`));

    const [, id, commands = ""] = /buy item (\w+) \([^)]*\):\n(.*)/s.exec(node.output())!;
    const { stdout } = await run("sh", ["-c", commands]);

    expect(JSON.parse(stdout)).toEqual({ ok: true, saleId: expect.any(String) });
    await eventually(async () => {
      const { body } = await (
        await signIn(node, "alice@souk.test")
      ).call<Inbox>("GET", "/notifications");
      expect(body.notifications.map(({ text }) => text)).toEqual([`Item #${id} was sold!`]);
    });
  });

  it("loads no library that it does not use, and none of Node's fetch", async () => {
    const node = await market({
      DATA_DIR: dataDir(),
      NODE_OPTIONS: `--import ${join(root, "test/support/loaded.ts")}`,
    });

    await node.end();

    expect(node.output()).toMatch(/node_modules\/moleculer\//);
    expect(node.output()).toMatch(/node_modules\/jose\//);
    expect(node.output()).not.toMatch(/node_modules\/(mongodb|amqplib|moleculer-repl)\/|undici/);
    expect(node.output()).not.toMatch(/jose\/dist\/webapi\/(index|jwe\/)|RateLimiterRedis/);
  });

  it("keeps items, sessions and revoked tokens over a restart, and adds samples only once", async () => {
    const env = { DATA_DIR: dataDir() };
    const first = await market(env);
    const buyer = await Client.registered(first.api);
    const bought = (await buyer.call("POST", "/market/buy/2")).body;
    const revoked = await Client.registered(first.api);
    await revoked.call("POST", "/users/logout", { refreshToken: revoked.session!.refreshToken });
    expect(await first.end()).toBe(0);

    const again = new Client((await market(env)).api, buyer.session);
    const signedOut = new Client(again.api, revoked.session);

    expect((await again.call("GET", "/users/me")).body).toEqual(buyer.session!.user);
    expect((await again.call("POST", "/market/buy/2")).body).toEqual(bought);
    expect(
      (
        await again.call<Session>("POST", "/users/refresh", {
          refreshToken: buyer.session!.refreshToken,
        })
      ).status,
    ).toBe(200);
    expect(
      (await again.call<{ items: Item[] }>("GET", "/market/items?limit=100")).body.items,
    ).toHaveLength(12);
    await eventually(async () =>
      expect((await signedOut.call("GET", "/users/me")).status).toBe(401),
    );
  });

  it("starts when its key file was removed: all users are signed out, keep their passwords, and no password is printed", async () => {
    const env = { DATA_DIR: dataDir() };
    const first = await market(env);
    const alice = await signIn(first, "alice@souk.test");
    const password = /The password of each is (\S+)/.exec(first.output())![1];
    await first.end();
    rmSync(join(env.DATA_DIR, "keys.json"));

    const second = await market(env);

    expect(second.output()).not.toMatch(/password/);
    expect((await new Client(second.api, alice.session).call("GET", "/users/me")).status).toBe(401);
    expect(
      (
        await new Client(second.api).call("POST", "/users/login", {
          email: "alice@souk.test",
          password,
        })
      ).status,
    ).toBe(200);
  });

  it("loses no acknowledged sale when it is killed, and starts again at once", async () => {
    const env = { DATA_DIR: dataDir() };
    const first = await market(env);
    const buyer = await Client.registered(first.api);
    const bought = (await buyer.call("POST", "/market/buy/3")).body;
    await first.end("SIGKILL");

    const second = await market(env);

    expect(
      (await new Client(second.api, buyer.session).call("POST", "/market/buy/3")).body,
    ).toEqual(bought);
    const seller = await signIn(second, "carol@souk.test");
    await eventually(
      async () => expect((await seller.call<Inbox>("GET", "/notifications")).body.unread).toBe(1),
      { within: 20_000 },
    );
  });

  it("refuses to start in a folder that another process uses", async () => {
    const env = { DATA_DIR: dataDir() };
    await market(env);
    const [code, output] = await refused([], env);
    expect(code).toBe(1);
    expect(output.trim()).toMatch(/^\S+ is in use by another Souk process\. .*DATA_DIR.*$/);
  });

  it("stops once when a signal arrives twice, as Ctrl-C under npm sends it", async () => {
    const node = await market({ DATA_DIR: dataDir(), LOG_LEVEL: "info" });
    node.child.kill("SIGINT");

    expect(await node.end("SIGINT")).toBe(0);
    expect(node.output().match(/ServiceBroker is stopped/g)).toHaveLength(1);
  });

  it("answers running requests after SIGTERM, and exits with 0", async () => {
    const node = await market({ DATA_DIR: dataDir() });
    // Hashing takes long enough for the signal to arrive during the requests.
    const running = Promise.all(Array.from({ length: 8 }, () => Client.registered(node.api)));
    await new Promise((resolve) => setImmediate(resolve));
    const startedAt = Date.now();
    await eventually(async () => expect((await fetch(`${node.api}/health/live`)).status).toBe(200));

    const code = await node.end();

    expect(code).toBe(0);
    expect(Date.now() - startedAt).toBeLessThan(25_000);
    for (const { session } of await running)
      expect(session?.accessToken).toEqual(expect.any(String));
  });
});

describe("an api that starts before RabbitMQ", () => {
  it("listens, is live, and answers 503 with Retry-After at once", async () => {
    // Nothing listens at port 1.
    const { AMQP_URL, AUTH_JWKS, NAMESPACE } = clusterEnv("amqp://127.0.0.1:1", "");
    const node = await startNode(["api"], { AMQP_URL, AUTH_JWKS, NAMESPACE });
    nodes.push(node);
    const startedAt = Date.now();

    const items = await fetch(`${node.api}/market/items`);

    // Without the refusal, the answer would come after 9.5 s.
    expect(Date.now() - startedAt).toBeLessThan(8_000);
    expect([items.status, items.headers.get("retry-after")]).toEqual([503, "1"]);
    expect(await items.json()).toMatchObject({ code: "UNAVAILABLE" });
    expect((await fetch(`${node.api}/health/live`)).status).toBe(200);
    expect((await fetch(`${node.api}/health/ready`)).status).toBe(503);
    expect(await node.end()).toBe(0);
  });
});

describe("a node that cannot start prints one sentence and exits with 1", () => {
  it.each(["PORT", "SOCKET_PORT"])("when %s is taken", async (name) => {
    const other = createServer().listen(0, "127.0.0.1");
    await eventually(() => other.listening);
    const { port } = other.address() as AddressInfo;

    const [code, output] = await refused([], { DATA_DIR: dataDir(), [name]: String(port) }).finally(
      () => other.close(),
    );

    expect(code).toBe(1);
    expect(output.trim()).toBe(
      `${name} ${port} on 127.0.0.1 is taken by another process: stop that one, or choose another ${name}.`,
    );
  });

  it.each([
    ["an unwritable folder", [], { DATA_DIR: "/dev/null/x" }, /DATA_DIR .* cannot be written/],
    ["a faulty URL", [], { AMQP_URL: "rabbit" }, /AMQP_URL must be a URL/],
    ["no keys in a cluster", ["api"], { AMQP_URL: "amqp://localhost" }, /AUTH_JWKS is missing/],
    [
      "no database in a cluster",
      ["market"],
      { AMQP_URL: "amqp://localhost" },
      /MARKET_MONGO_URL or MONGO_URL is missing/,
    ],
    ["an unknown service", ["bazaar"], { AMQP_URL: "amqp://localhost" }, /SERVICES names bazaar/],
    ["one service and no RabbitMQ", ["market"], {}, /AMQP_URL is missing/],
  ])("with %s", async (_what, names, env, sentence) => {
    const [code, output] = await refused(names, env as Record<string, string>);
    expect(code).toBe(1);
    expect(output).toMatch(sentence);
    expect(output).not.toMatch(/\n\s+at /);
  });
});

describe("npm run", () => {
  const npm = (...args: string[]) =>
    run(process.execPath, ["--no-warnings", ...args], { cwd: root });

  it("keys prints key pairs for an env file", async () => {
    const { stdout } = await npm("bin/keys.ts");
    const lines = Object.fromEntries(
      stdout
        .trim()
        .split("\n")
        .map((line) => line.split("=")),
    );
    expect(Object.keys(lines)).toEqual([
      "AUTH_PRIVATE_JWK",
      "AUTH_JWKS",
      "PUSH_PRIVATE_JWK",
      "PUSH_PUBLIC_KEY",
    ]);
    for (const value of Object.values(lines)) expect(value).toMatch(/^[\w-]+$/);
    const [, output] = await refused(["users"], {
      ...lines,
      PUSH_PRIVATE_JWK: "",
      AMQP_URL: "amqp://localhost",
    });
    expect(output).not.toMatch(/AUTH_|PUSH_/);
  });

  it("demo runs the story of a sale to its end", async () => {
    const { stdout } = await npm("bin/demo.ts");
    expect(stdout).toMatch(/was sold!/);
    expect(stdout.trim().split("\n").at(-1)).toMatch(/Every step held\.$/);
  });

  it("demo of an outage reports a missing server at once, while another one is still starting", async () => {
    const env = {
      ...process.env,
      AMQP_URL: "",
      RABBITMQ_SERVER: `${process.execPath} -e setInterval(()=>{},999) --`,
      MONGOD: "no-mongod",
    };
    const result = run(process.execPath, ["bin/demo.ts", "--outage"], {
      cwd: root,
      env,
      timeout: 8_000,
    });
    await expect(result).rejects.toMatchObject({
      code: 1,
      stderr: 'MONGOD: "no-mongod" does not start a server (spawn no-mongod ENOENT).\n',
    });
  });
});
