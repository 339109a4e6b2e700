/**
 * Private RabbitMQ and MongoDB servers on free ports, each with a data folder of its own, for the demo, the tests
 * and the benchmarks. RABBITMQ_SERVER and MONGOD hold the commands that start them, with optional arguments. A
 * missing command is an error, never a reason to skip.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { eventually } from "./eventually.ts";
import { freePort } from "./free-port.ts";

/** Timeout for `beforeAll` (ms): the first start of a server may install it. */
export const SERVER_START = 300_000;

export interface Shared {
  url: string;
  stop(): Promise<void>;
}

export interface Server extends Shared {
  port: number;
  dir: string;
  /** Sends SIGKILL, or the given signal. Resolves when the server has ended; `restart` finds its data. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Starts it again, on the same port and data. */
  restart(): Promise<void>;
  freeze(): void;
  thaw(): void;
}

/** How one kind of server is started. `pid` finds the process to signal: RabbitMQ's is not the one we spawn. */
interface Kind {
  variable: string;
  command: string;
  args(port: number, dir: string): string[];
  pid(child: ChildProcess, dir: string): Promise<number>;
}

/** Starts RabbitMQ. `config` is the text of a rabbitmq.conf. */
export async function startRabbit({ config = "" } = {}): Promise<Server> {
  const port = await freePort(20_000);
  const kind: Kind = {
    variable: "RABBITMQ_SERVER",
    command: process.env.RABBITMQ_SERVER || "rabbitmq-server",
    args: (port, dir) => [
      "--port",
      `${port}`,
      "--dir",
      dir,
      ...(config ? ["--config", join(dir, "given.conf")] : []),
    ],
    pid: async (_child, dir) => Number(await readFile(join(dir, "pid"), "utf8")),
  };
  return start(kind, port, `amqp://guest:guest@127.0.0.1:${port}`, async (dir) => {
    if (config) await writeFile(join(dir, "given.conf"), config);
  });
}

/** Starts a standalone mongod: without access control, unless `auth` is true. */
export async function startMongo({ auth = false } = {}): Promise<Server> {
  const port = await freePort();
  const kind: Kind = {
    variable: "MONGOD",
    command: process.env.MONGOD || "mongod",
    args: (port, dir) => ["--port", `${port}`, "--dbpath", dir, ...(auth ? ["--auth"] : [])],
    pid: async (child) => child.pid!,
  };
  return start(kind, port, `mongodb://127.0.0.1:${port}`);
}

/** The RabbitMQ at AMQP_URL, or a private one. Use a fresh namespace: other runs may share the server. */
export const sharedRabbit = (): Promise<Shared> => sharedAt(process.env.AMQP_URL) ?? startRabbit();

/** The MongoDB at MONGO_URL, or a private one. Use a fresh database: other runs may share the server. */
export const sharedMongo = (): Promise<Shared> => sharedAt(process.env.MONGO_URL) ?? startMongo();

const sharedAt = (url?: string): Promise<Shared> | undefined =>
  url ? Promise.resolve({ url, stop: async () => {} }) : undefined;

async function start(
  kind: Kind,
  port: number,
  url: string,
  prepare = async (_dir: string) => {},
): Promise<Server> {
  const dir = await mkdtemp(join(tmpdir(), "souk-server-"));
  await prepare(dir);
  let running = await boot(kind, port, dir);
  const killNow = () => running.signal("SIGKILL");
  process.once("exit", killNow);
  const kill = async (signal: NodeJS.Signals = "SIGKILL") => {
    running.signal(signal);
    await running.ended;
    running.release();
  };
  return {
    url,
    port,
    dir,
    kill,
    freeze: () => running.signal("SIGSTOP"),
    thaw: () => running.signal("SIGCONT"),
    restart: async () => void (running = await boot(kind, port, dir)),
    stop: async () => {
      process.off("exit", killNow);
      await kill();
      await remove(dir);
    },
  };
}

interface Running {
  signal(signal: NodeJS.Signals): void;
  /** Closes its output, which its own children may still hold open. */
  release(): void;
  ended: Promise<unknown>;
}

async function boot(kind: Kind, port: number, dir: string): Promise<Running> {
  const [command = "", ...options] = kind.command.split(/\s+/);
  await rm(join(dir, "pid"), { force: true });
  const child = spawn(command, [...options, ...kind.args(port, dir)], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let errors = "";
  child.stderr.on("data", (chunk) => (errors += chunk));
  const ended = once(child, "exit");
  const giveUp = () => void child.kill();
  process.once("exit", giveUp);
  const reason = ended.then(
    (how) => how.join(" "),
    (error: Error) => error.message,
  );
  const failed = reason.then((how) => {
    throw new Error(
      `${kind.variable}: "${kind.command}" does not start a server (${errors.trim() || how}).`,
    );
  });
  failed.catch(() => {}); // an end after the start is not a failed start
  const ready = eventually(async () => (await accepts(port)) && kind.pid(child, dir), {
    within: SERVER_START,
    every: 100,
  });
  const pid = await Promise.race([ready, failed]).finally(() => process.off("exit", giveUp));
  return {
    ended,
    signal: (signal) => hasEnded(child) || send(pid as number, signal),
    release: () => child.stderr.destroy(),
  };
}

const hasEnded = (child: ChildProcess): boolean =>
  child.exitCode !== null || child.signalCode !== null;

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has just ended.
  }
}

/** Removes its folder, and the folder that its pid file links to: a server in a chroot keeps its data there. */
async function remove(dir: string): Promise<void> {
  const elsewhere = await realpath(join(dir, "pid")).catch(() => join(dir, "pid"));
  for (const folder of [dirname(elsewhere), dir])
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}

const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
