/** The commands that run a cluster: `npm run cluster`, `npm run service`, `npm run repl`, `npm run dev`. */
import { spawn, type ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { cpSync, readdirSync, readFileSync, symlinkSync, utimesSync } from "node:fs";
import { join } from "node:path";
import type { Item } from "../../contracts/market.ts";
import { Client } from "../support/client.ts";
import { eventually } from "../../bin/processes/eventually.ts";
import { clusterEnv } from "../../bin/processes/cluster-env.ts";
import { startNode, temporaryFolder, type Node } from "../../bin/processes/node-process.ts";
import {
  sharedMongo,
  sharedRabbit,
  SERVER_START,
  type Shared,
} from "../../bin/processes/servers.ts";

const root = join(import.meta.dirname, "../..");
/** The folders of the program. */
const sources = readdirSync(root, { withFileTypes: true })
  .filter(
    (entry) => entry.isDirectory() && !/^(\.|node_modules|data|test|bench|docs)/.test(entry.name),
  )
  .map(({ name }) => name);
let rabbit: Shared;
let mongo: Shared;
const running: Command[] = [];
const folders: { remove(): void }[] = [];
const nodes: Node[] = [];

beforeAll(async () => {
  [rabbit, mongo] = await Promise.all([sharedRabbit(), sharedMongo()]);
}, SERVER_START);
afterEach(async () => {
  await Promise.all(
    [...running.splice(0), ...nodes.splice(0)].map((command) => command.end("SIGKILL")),
  );
  for (const folder of folders.splice(0)) folder.remove();
});
afterAll(() => Promise.all([rabbit?.stop(), mongo?.stop()]));

interface Command {
  child: ChildProcess;
  output(): string;
  end(signal: NodeJS.Signals): Promise<number | null>;
}

function folder(): string {
  const made = temporaryFolder();
  folders.push(made);
  return made.path;
}

/** Runs an npm script in a process group of its own, so that a signal reaches all of it, as from a terminal. */
function npm(
  script: string,
  env: Record<string, string | undefined>,
  cwd = root,
  args: string[] = [],
): Command {
  const { PATH, HOME } = process.env;
  const child = spawn("npm", ["run", "--silent", script, "--", ...args], {
    cwd,
    env: { PATH, HOME, ...env },
    stdio: ["pipe", "pipe", "pipe"],
    detached: true,
  });
  let output = "";
  child.stdout.on("data", (chunk) => (output += chunk));
  child.stderr.on("data", (chunk) => (output += chunk));
  const ended = once(child, "exit");
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid!, signal);
    await ended;
    return child.exitCode;
  };
  const command = { child, output: () => output, end };
  running.push(command);
  return command;
}

const local = { HOST: "127.0.0.1", PORT: "0", SOCKET_PORT: "0", LOG_LEVEL: "warn" };
const isGone = (pid: number) => {
  try {
    process.kill(pid, 0);
    return false;
  } catch {
    return true;
  }
};

describe("npm run cluster", () => {
  it("runs each service in a process with bounded memory, survives the death of one, and stops all on one signal", async () => {
    const { AMQP_URL, NAMESPACE } = clusterEnv(rabbit.url, mongo.url);
    const databases = Object.fromEntries(
      ["MARKET", "NOTIFICATIONS", "USERS", "DELIVERIES"].map((name) => [
        `${name}_MONGO_URL`,
        `${mongo.url}/${randomUUID()}`,
      ]),
    );
    const cluster = npm("cluster", {
      ...local,
      ...databases,
      AMQP_URL,
      NAMESPACE,
      DATA_DIR: folder(),
    });
    const api = await eventually(() => /HTTP at (\S+)/.exec(cluster.output())![1]!, {
      within: 20_000,
    });
    const ready = async (status: number) =>
      expect((await fetch(`${api}/health/ready`)).status).toBe(status);
    await eventually(() => ready(200), { within: 20_000 });
    const pids = new Map(
      [...cluster.output().matchAll(/^Started (\w+) \(pid (\d+)\)\.$/gm)].map(([, name, pid]) => [
        name!,
        Number(pid),
      ]),
    );
    expect([...pids.keys()]).toEqual(["api", "market", "notifications", "users", "deliveries"]);
    for (const pid of pids.values())
      expect(readFileSync(`/proc/${pid}/cmdline`, "utf8")).toContain("--max-semi-space-size=16");

    const buyer = await Client.registered(api);
    process.kill(pids.get("notifications")!, "SIGKILL");
    await eventually(() => ready(503));

    const item = await (await Client.registered(api)).offer();
    expect((await buyer.call("POST", `/market/buy/${item.id}`)).status).toBe(200);
    expect(await cluster.end("SIGINT")).toBe(0);
    for (const pid of pids.values()) expect(isGone(pid)).toBe(true);
  }, 60_000);

  it("reports all faults before it starts a process", async () => {
    const cluster = npm("cluster", { ...local, CURRENCY: "euro", DATA_DIR: "/dev/null/data" });
    await eventually(() => expect(cluster.child.exitCode).toBe(1));
    expect(cluster.output().trim().split("\n").toSorted()).toEqual([
      expect.stringMatching(/^ {2}- AMQP_URL is missing/),
      expect.stringMatching(/^ {2}- CURRENCY must be the ISO 4217 code/),
      expect.stringMatching(/^ {2}- DATA_DIR \S+ cannot be written/),
      expect.stringMatching(/^ {2}- DELIVERIES_MONGO_URL or MONGO_URL is missing/),
      expect.stringMatching(/^ {2}- MARKET_MONGO_URL or MONGO_URL is missing/),
      expect.stringMatching(/^ {2}- NOTIFICATIONS_MONGO_URL or MONGO_URL is missing/),
      expect.stringMatching(/^ {2}- USERS_MONGO_URL or MONGO_URL is missing/),
      "The configuration is not valid:",
    ]);
  });
});

describe("npm run repl", () => {
  it("joins a running cluster and calls its actions with JSON params and meta", async () => {
    const env = clusterEnv(rabbit.url, mongo.url);
    nodes.push(await startNode(["market"], { ...env, AUTH_PRIVATE_JWK: undefined }));
    const repl = npm("repl", { ...local, AMQP_URL: env.AMQP_URL, NAMESPACE: env.NAMESPACE });
    const type = async (line: string, answer: RegExp, within = 10_000) => {
      repl.child.stdin!.write(`${line}\n`);
      await eventually(() => expect(repl.output()).toMatch(answer), { within });
    };

    await eventually(() => expect(repl.output()).toMatch(/mol \$/), { within: 15_000 });
    // Repeated until the node has discovered the market.
    await eventually(() => type("services", /market/, 1_000), { within: 20_000 });
    await type("call market.items", /nextCursor/);
    await type(
      `call market.buy '{"id":"1"}' '{"user":{"id":"dave"}}'`,
      /ITEM_NOT_FOUND|No such item/,
    );
    await type(`call market.outbox '{"state":"refused"}'`, /entries/);
  }, 60_000);
});

describe("npm run demo -- --outage", () => {
  it("runs the story of two outages to its end", async () => {
    const demo = npm(
      "demo",
      { ...local, RABBITMQ_SERVER: process.env.RABBITMQ_SERVER, MONGOD: process.env.MONGOD },
      root,
      ["--outage"],
    );
    await eventually(() => expect(demo.child.exitCode).not.toBeNull(), { within: 90_000 });
    expect(demo.output().trim().split("\n").at(-1)).toMatch(/Every step held\.$/);
    expect(demo.child.exitCode).toBe(0);
  }, 100_000);
});

describe("npm run dev", () => {
  it("builds the page, runs the market with a REPL, and restarts it when a file changes", async () => {
    const copy = folder();
    const isSource = (path: string) => !/[/\\](dist|node_modules|\.building)$/.test(path);
    for (const name of [...sources, "moleculer.config.ts", "package.json", "tsconfig.json"])
      cpSync(join(root, name), join(copy, name), { recursive: true, filter: isSource });
    symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
    const dev = npm("dev", { ...local, DATA_DIR: join(copy, "data") }, copy);
    const opened = () => dev.output().split("Souk is open").length - 1;
    await eventually(() => expect(opened()).toBe(1), { within: 60_000 });
    await eventually(() => expect(dev.output()).toMatch(/mol \$/));

    const page = await fetch(/HTTP at (http:[^\s,]+)/.exec(dev.output())![1]!);
    expect(await page.text()).toMatch(/<script type="module"/);

    dev.child.stdin!.write("actions\n");
    await eventually(() => expect(dev.output()).toMatch(/market\.buy .*id, price/));
    dev.child.stdin!.write("call market.items\n");
    await eventually(() => expect(dev.output()).toMatch(/Brass tea tray/));
    const api = /HTTP at (http:[^\s,]+)/.exec(dev.output())![1]!;
    const password = /The password of each is (\S+)/.exec(dev.output())![1]!;
    dev.child.stdin!.write(`call market.buy '{"id":"1"}' '{"user":{"id":"dave"}}'\n`);
    await eventually(() => expect(dev.output()).toMatch(/saleId/));
    expect((await new Client(api).call<Item>("GET", "/market/items/1")).body.isSold).toBe(true);

    const now = new Date();
    utimesSync(join(copy, "domain/sale.ts"), now, now);
    await eventually(() => expect(opened()).toBe(2), { within: 60_000 });
    expect(dev.output().split(`The password of each is ${password}`).length - 1).toBe(2);
  }, 180_000);
});
