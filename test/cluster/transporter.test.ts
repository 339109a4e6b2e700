import { randomUUID } from "node:crypto";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  it,
  jest,
} from "@jest/globals";
import { connect, type Channel, type Message } from "amqplib";
import { ServiceBroker, type BrokerOptions, type Context, type ServiceSchema } from "moleculer";
import { amqp, brokerDefaults, type ResilientAmqp } from "../../broker/amqp/transporter.ts";
import type { Session } from "../../broker/amqp/session.ts";
import { socketOf } from "../../broker/amqp/connection.ts";
import { eventually } from "../../bin/processes/eventually.ts";
import { gate } from "../support/gate.ts";
import { linesOf } from "../support/log-lines.ts";
import { Proxy } from "../support/proxy.ts";
import { SERVER_START, startRabbit, type Server } from "../../bin/processes/servers.ts";

let rabbit: Server;
let namespace: string;
const closing: (() => Promise<unknown>)[] = [];

beforeAll(async () => void (rabbit = await startRabbit()), SERVER_START);
afterAll(() => rabbit?.stop());
beforeEach(() => void (namespace = randomUUID()));
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

describe("calls", () => {
  it("may form a cycle without a deadlock", async () => {
    const [caller] = await cluster({
      caller: [],
      a: [forward("a", "b.ask"), answer("home")],
      b: [forward("b", "home.ask")],
    });

    const answers = await Promise.all(
      Array.from({ length: 50 }, () => caller!.call("a.ask", {}, { timeout: 2000 })),
    );

    expect(new Set(answers)).toEqual(new Set(["home"]));
  });

  it("leave in one write for each turn of the event loop, which Nagle's algorithm does not delay", async () => {
    const setNoDelay = jest.spyOn(Socket.prototype, "setNoDelay");
    closing.push(async () => setNoDelay.mockRestore());
    const [a] = await cluster({ a: [], b: [answer("b")] });
    const socket = socketOf(session(a!).connection);
    const writes = jest.spyOn(socket, "_writev" as never) as unknown as jest.Mock<
      (chunks: unknown[]) => void
    >;

    await Promise.all(Array.from({ length: 50 }, () => a!.call("b.ask")));

    expect(Math.max(...writes.mock.calls.map(([chunks]) => chunks.length))).toBeGreaterThanOrEqual(
      50,
    );
    expect(setNoDelay.mock.contexts).toContain(socket);
    expect(setNoDelay.mock.calls.every(([noDelay]) => noDelay)).toBe(true);
  });

  it("are delivered to a node a hundred at a time; the rest wait in RabbitMQ", async () => {
    const held = gate();
    const [a, b] = await cluster({ a: [], b: [answer("b", held.opened)] });
    const { channel, queues } = session(b!);

    const answers = Promise.all(Array.from({ length: 150 }, () => a!.call("b.ask")));

    await eventually(async () =>
      expect((await channel.checkQueue(queues.requests)).messageCount).toBe(50),
    );
    expect(held.waiting()).toBe(100);
    held.open();
    expect(await answers).toHaveLength(150);
  });

  it("work as soon as the called node has started", async () => {
    const [a] = await cluster({ a: [] });

    await start("b", [answer("b")]);

    await eventually(() => a!.call("b.ask"), { within: 400 });
  });
});

describe("a message", () => {
  it("is acknowledged on the channel that delivered it, or not at all", async () => {
    const held = gate();
    const [a, b] = await cluster({ a: [], b: [answer("b", held.opened)] });
    const waiting = a!.call("b.ask").catch((error: Error) => error);
    await eventually(() => expect(held.waiting()).toBe(1));
    cut(b!);
    await waiting;
    await eventually(() => a!.call("$node.list", {}, { nodeID: "b" }));
    const { channel } = session(b!);

    held.open();

    for (let marker = 0; marker < 3; marker++) expect(await a!.call("b.ask")).toBe("b");
    expect(session(b!).channel === channel).toBe(true); // the objects are too big to print
  });

  it("that repeats an earlier request is dropped", async () => {
    const processed: string[] = [];
    const [a, b] = await cluster({
      a: [],
      b: [answer("b", async (ctx) => void processed.push(ctx.params.job))],
    });
    const consumer = await session(b!).connection.createChannel();
    let returned = 0;
    await consumer.consume(
      session(b!).queues.requests,
      (message) => message && (returned++ ? consumer.ack(message) : consumer.nack(message)),
    );

    const jobs = ["1", "2"].map((job) =>
      a!.call("b.ask", { job }, { timeout: 1000 }).catch(() => "lost"),
    );
    const answers = await Promise.all(jobs);
    await consumer.close(); // the node alone consumes again
    await eventually(() => a!.call("b.ask", { job: "marker" }));

    expect(returned).toBeGreaterThan(0);
    expect(answers).toContain("lost");
    expect(processed).toEqual([...["1", "2"].filter((_job, i) => answers[i] !== "lost"), "marker"]);
  });

  it("is not processed after its caller's timeout, even if it waited in a full node's queue", async () => {
    const held = gate();
    const processed: string[] = [];
    const hold = (ctx: WorkContext) =>
      held.opened().then(() => void processed.push(ctx.params.job));
    const [a] = await cluster({
      a: [],
      b: [answer("b", hold), answer("quick", async (ctx) => void processed.push(ctx.params.job))],
    });
    const full = Array.from({ length: 100 }, () => a!.call("b.ask", { job: "full" }));
    await eventually(() => expect(held.waiting()).toBe(100));

    await expect(a!.call("quick.ask", { job: "late" }, { timeout: 200 })).rejects.toMatchObject({
      type: "REQUEST_TIMEOUT",
    });
    held.open();
    await Promise.all(full);
    await a!.call("quick.ask", { job: "marker" });

    expect(new Set(processed)).toEqual(new Set(["full", "marker"]));
  });

  it("is not processed after its caller's timeout, even if it waited in a frozen node's socket", async () => {
    const [a] = await cluster({ a: [] });
    const worker = await startWorker("w");
    for (let call = 0; call < 5; call++)
      await eventually(() => a!.call("worker.work", { job: "first" }));

    worker.process.kill("SIGSTOP");
    await expect(a!.call("worker.work", { job: "late" }, { timeout: 300 })).rejects.toMatchObject({
      type: "REQUEST_TIMEOUT",
    });
    worker.process.kill("SIGCONT");
    await eventually(() => a!.call("worker.work", { job: "marker" }));

    expect(worker.printed()).not.toContain("late");
  });
});

describe("a connection", () => {
  const faults: [string, (session: Session) => unknown][] = [
    ["404", ({ channel }) => channel.checkQueue("no such queue").catch(() => null)],
    ["406", ({ channel }) => channel.ack({ fields: { deliveryTag: 999_999 } } as Message)],
    [
      "a cancelled consumer",
      async ({ connection, queues }) =>
        (await connection.createChannel()).deleteQueue(queues.requests).catch(() => null),
    ],
  ];

  it.each(faults)("is reopened after %s", async (_name, fault) => {
    const [a, b] = await cluster({ a: [], b: [answer("b")] });
    const before = session(b!);

    await fault(before);

    await eventually(() => ![null, before].includes(transporter(b!).session), { within: 2000 });
    await eventually(() => a!.call("b.ask"), { within: 2000 });
  });

  it("that breaks rejects the calls to its node at once, because their answers are lost", async () => {
    const held = gate();
    const [a, b] = await cluster({ a: [], b: [answer("b", held.opened)] });
    const waiting = a!.call("b.ask", {}, { timeout: 60_000 });
    await eventually(() => expect(held.waiting()).toBe(1));

    cut(b!);

    await expect(within(1000, waiting)).rejects.toMatchObject({ type: "REQUEST_REJECTED" });
    held.open();
  });

  it("that is refused is logged once, in a sentence without the password", async () => {
    const lines: string[] = [];
    const logger = linesOf(lines);
    const withWrongPassword = await start("wrong-password", [], {
      url: `amqp://guest:sesame@127.0.0.1:${rabbit.port}`,
      logger,
    });
    const withWrongVhost = await start("wrong-vhost", [], { url: `${rabbit.url}/nowhere`, logger });

    await eventually(
      () =>
        expect(Math.min(...[withWrongPassword, withWrongVhost].map(attempts))).toBeGreaterThan(2),
      {
        within: 15_000,
      },
    );

    const refusals = lines.filter((line) => line.startsWith("Cannot connect")).sort();
    expect(refusals).toEqual([
      expect.stringMatching(
        /^Cannot connect to RabbitMQ at amqp:\/\/…@127.0.0.1:\d+\/nowhere: it has no such virtual host.*\. The node keeps trying\.$/,
      ),
      expect.stringMatching(
        /^Cannot connect to RabbitMQ at amqp:\/\/…@127.0.0.1:\d+: ACCESS_REFUSED .*logfile\. The node keeps trying\.$/,
      ),
    ]);
    expect(lines.join()).not.toContain("sesame");
  });
});

describe("a node", () => {
  it("that was killed is evicted within a second, its calls are rejected, and its queues are gone", async () => {
    const [a] = await cluster({ a: [] });
    const worker = await startWorker("w");
    const inFlight = await startEndlessCall(a!, worker);

    worker.process.kill("SIGKILL");

    await expect(within(1000, inFlight.ends)).rejects.toMatchObject({
      type: "REQUEST_REJECTED",
      code: 503,
    });
    expect(isAvailable(a!, "w")).toBe(false);
    const channel = await rawChannel();
    const returned = new Promise((resolve) => channel.once("return", resolve));
    channel.publish(`MOL-${namespace}.2.packets`, "w", Buffer.alloc(0), { mandatory: true });
    await within(1000, returned);
  });

  it("that is frozen is evicted within 2.5 s, and serves calls again when it resumes", async () => {
    const [a] = await cluster({ a: [] });
    const worker = await startWorker("w");
    const inFlight = await startEndlessCall(a!, worker);

    worker.process.kill("SIGSTOP");

    await expect(within(2600, inFlight.ends)).rejects.toMatchObject({ type: "REQUEST_REJECTED" });
    await expect(within(100, a!.call("worker.work", { job: "frozen" }))).rejects.toMatchObject({
      code: 404,
    });
    worker.process.kill("SIGCONT");
    await eventually(() => a!.call("worker.work", { job: "back" }), { within: 2000 });
  });

  it("does not process, when it resumes, calls that were rejected", async () => {
    const [a] = await cluster({ a: [] });
    const worker = await startWorker("w");
    await eventually(() => a!.call("worker.work", { job: "first" }));

    worker.process.kill("SIGSTOP");
    await expect(
      a!.call("worker.work", { job: "refused" }, { timeout: 60_000 }),
    ).rejects.toMatchObject({ type: "REQUEST_REJECTED" });
    worker.process.kill("SIGCONT");
    await eventually(() => a!.call("worker.work", { job: "marker" }), { within: 2000 });

    expect(worker.printed()).not.toContain("refused");
  });

  it("does not wait, when it stops, for calls that timed out", async () => {
    const held = gate();
    const [a] = await cluster({ a: [], b: [answer("b", held.opened)] });
    await expect(a!.call("b.ask", {}, { timeout: 50 })).rejects.toMatchObject({
      type: "REQUEST_TIMEOUT",
    });

    await within(1000, a!.stop());

    held.open();
  });

  it("leaves no connection open, at whatever point of a reconnect it stops", async () => {
    const proxy = await Proxy.before(rabbit.port);
    closing.push(() => proxy.close());
    const url = `amqp://guest:guest@127.0.0.1:${proxy.port}`;
    const nodes = await Promise.all(
      Array.from({ length: 40 }, (_, n) => start(`n${n}`, [], { url })),
    );
    await eventually(() => expect(nodes.every((node) => transporter(node).connected)).toBe(true));

    // Delays each answer of the handshake, so that nodes stop at every step of it.
    proxy.delayed = 30;
    proxy.cut();
    await Promise.all(nodes.map((node, n) => pause(40 * n).then(() => node.stop())));

    await eventually(() => expect(proxy.connections).toBe(0));
  });

  it("answers with disableBalancer, which is refused in a sentence", async () => {
    const lines: string[] = [];
    const settings = { logger: linesOf(lines), disableBalancer: true };
    const a = await start("a", [], settings);
    await start("b", [answer("b")], settings);

    expect(await eventually(() => a.call("b.ask"))).toBe("b");
    expect(lines).toContain(
      "The ResilientAmqp has no built-in balancer. Broker balancer is ENABLED.",
    );
  });

  it("that is stopped under load finishes its calls, and no call is lost", async () => {
    const [a] = await cluster({ a: [] });
    const workers = await Promise.all(["w1", "w2"].map(startWorker));
    await eventually(() => expect(["w1", "w2"].every((id) => isAvailable(a!, id))).toBe(true));
    const load = underLoad(() => a!.call("worker.work", { job: "x", takes: 20 }));
    await eventually(() => expect(load.answers.has("w1") && load.answers.has("w2")).toBe(true));
    const inFlight = a!.call("worker.work", { job: "long", takes: 1500 }, { nodeID: "w1" });
    await eventually(() => expect(workers[0]!.printed()).toContain("long"));

    workers[0]!.process.kill("SIGTERM");
    expect(await inFlight).toBe("w1");
    await eventually(() => expect(workers[0]!.process.exitCode).toBe(0));
    load.answers.clear();
    await eventually(() => expect(load.answers.get("w2")).toBeGreaterThan(100));

    expect(await load.end()).toEqual([]);
    expect(load.answers.has("w1")).toBe(false);
  });
});

describe("without RabbitMQ", () => {
  it("pending calls are rejected and new ones refused, at once; calls succeed within 2 s of RabbitMQ's return", async () => {
    const held = gate();
    const [a] = await cluster({ a: [answer("a")], b: [answer("b"), answer("slow", held.opened)] });
    const waiting = a!.call("slow.ask");
    await eventually(() => expect(held.waiting()).toBe(1));

    const killed = Date.now();
    await Promise.all([
      rabbit.kill(),
      expect(waiting).rejects.toMatchObject({ type: "REQUEST_REJECTED" }),
    ]);
    expect(Date.now() - killed).toBeLessThan(1000);
    await expect(within(100, a!.call("b.ask"))).rejects.toMatchObject({
      type: expect.stringMatching(/SERVICE_NOT_/),
    });
    expect(await a!.call("a.ask")).toBe("a");

    await rabbit.restart();
    await eventually(() => a!.call("b.ask"), { within: 2000 });
  }, 60_000);

  it("nodes start, serve local calls, and discover each other once RabbitMQ is available", async () => {
    await rabbit.kill();

    const [a] = await cluster({ a: [answer("a")], b: [answer("b")] });
    const stopped = await start("c", [answer("c")]);
    expect(await a!.call("a.ask")).toBe("a");
    await expect(within(100, a!.call("b.ask"))).rejects.toMatchObject({
      type: "SERVICE_NOT_FOUND",
    });
    await within(1500, stopped.stop());

    await rabbit.restart();
    await eventually(() => a!.call("b.ask"), { within: 2000 });
    expect(isAvailable(a!, "c")).toBe(false);
  }, 60_000);

  it("a process stops within 2 s and exits with 0", async () => {
    await rabbit.kill();
    const worker = await startWorker("w");

    worker.process.kill("SIGTERM");

    await eventually(() => expect(worker.process.exitCode).toBe(0), { within: 2000 });
    await rabbit.restart();
  }, 60_000);
});

type WorkContext = Context<{ job: string }>;

interface Settings {
  url?: string;
  disableBalancer?: boolean;
  logger?: BrokerOptions["logger"];
}

async function start(
  nodeID: string,
  services: ServiceSchema[],
  { url = rabbit.url, logger = false, disableBalancer = false }: Settings = {},
): Promise<ServiceBroker> {
  const broker = new ServiceBroker({
    ...brokerDefaults,
    nodeID,
    namespace,
    transporter: amqp(url),
    logger,
    disableBalancer,
    registry: { stopDelay: 0 },
    skipProcessEventRegistration: true,
  });
  services.forEach((service) => broker.createService(service));
  closing.push(() => broker.stop());
  await broker.start();
  return broker;
}

/** Starts the named nodes together. With RabbitMQ, waits until each knows the services of all. */
async function cluster(nodes: Record<string, ServiceSchema[]>): Promise<ServiceBroker[]> {
  const brokers = await Promise.all(
    Object.entries(nodes).map(([nodeID, services]) => start(nodeID, services)),
  );
  if (brokers.every((broker) => transporter(broker).connected)) {
    const names = Object.values(nodes).flatMap((services) => services.map(({ name }) => name));
    for (const broker of brokers) await broker.waitForServices(names, 5000, 20);
  }
  return brokers;
}

const transporter = (broker: ServiceBroker): ResilientAmqp => broker.transit!.tx as ResilientAmqp;

const session = (broker: ServiceBroker): Session => transporter(broker).session!;

const attempts = (broker: ServiceBroker): number => transporter(broker).attempts;

const isAvailable = (broker: ServiceBroker, nodeID: string): boolean =>
  broker.registry.nodes.get(nodeID)?.available ?? false;

/** A service with one action, which returns the service's name after `first`. */
function answer(
  name: string,
  first: (ctx: WorkContext) => Promise<unknown> = async () => null,
): ServiceSchema {
  return { name, actions: { ask: (ctx: WorkContext) => first(ctx).then(() => name) } };
}

function forward(name: string, action: string): ServiceSchema {
  return { name, actions: { ask: (ctx: Context) => ctx.call(action) } };
}

/** Breaks the connection without a closing handshake. */
function cut(broker: ServiceBroker): void {
  socketOf(session(broker).connection).destroy(new Error("cut"));
}

async function rawChannel(): Promise<Channel> {
  const connection = await connect(rabbit.url);
  closing.push(() => connection.close());
  const channel = await connection.createChannel();
  return channel.on("error", () => null);
}

interface Worker {
  process: ChildProcess;
  printed(): string[];
}

async function startWorker(nodeID: string): Promise<Worker> {
  const env = { ...process.env, AMQP_URL: rabbit.url, NAMESPACE: namespace, NODE_ID: nodeID };
  const child = spawn(process.execPath, [fileURLToPath(new URL("worker.ts", import.meta.url))], {
    env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  closing.push(
    async () => child.exitCode ?? child.signalCode ?? (child.kill("SIGKILL"), once(child, "exit")),
  );
  let output = "";
  child.stdout.on("data", (chunk) => (output += chunk));
  const worker = { process: child, printed: () => output.split("\n") };
  await eventually(() => worker.printed().includes("ready"), { within: 15_000 });
  return worker;
}

/** Starts a call that the worker does not end by itself. */
async function startEndlessCall(
  caller: ServiceBroker,
  worker: Worker,
): Promise<{ ends: Promise<unknown> }> {
  await caller.waitForServices("worker", 5000, 20);
  const ends = caller.call("worker.work", { job: "endless", takes: 60_000 }, { timeout: 60_000 });
  ends.catch(() => null);
  await eventually(() => worker.printed().includes("endless"));
  return { ends };
}

/** Eight callers, each of which repeats its call after each result. */
function underLoad(ask: () => Promise<unknown>) {
  const answers = new Map<unknown, number>();
  const errors: unknown[] = [];
  let isOver = false;
  const caller = async () => {
    while (!isOver) {
      const answer = await ask().catch((error) => void errors.push(error));
      answers.set(answer, (answers.get(answer) ?? 0) + 1);
      await pause(0); // a call that is refused at once would otherwise block the other callers
    }
  };
  const callers = Array.from({ length: 8 }, caller);
  const end = async () => ((isOver = true), await Promise.all(callers), errors);
  closing.push(end);
  return { answers, end };
}

function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  const late = pause(ms, null, { ref: false }).then(() => {
    throw new Error(`nothing within ${ms} ms`);
  });
  return Promise.race([promise, late]);
}
