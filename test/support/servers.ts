/**
 * Real servers for tests: private ones on free ports, with their data in a directory of their own. RABBITMQ_SERVER and MONGOD name
 * the commands, which may bring arguments. A command that is missing is an error, never a reason to skip.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { eventually } from "./eventually.ts";

/** For `beforeAll`: a server's first start may install it (ms). */
export const SERVER_START = 300_000;

export interface Shared {
  url: string;
  stop(): Promise<void>;
}

export interface Server extends Shared {
  port: number;
  dir: string;
  /** As a crash, unless another signal is given; resolves when the server has ended. Its data stays for `restart`. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** The same port, the same data. */
  restart(): Promise<void>;
  freeze(): void;
  thaw(): void;
}

/** What differs between the servers. `pid` finds the process that signals are meant for: not always the one that was started. */
interface Kind {
  variable: string;
  command: string;
  args(port: number, dir: string): string[];
  pid(child: ChildProcess, dir: string): Promise<number>;
}

/** `config` is the text of a rabbitmq.conf. */
export async function startRabbit({ config = "" } = {}): Promise<Server> {
  const port = await freePort(20_000, 20_000);
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

export async function startMongo(): Promise<Server> {
  const port = await freePort(20_000);
  const kind: Kind = {
    variable: "MONGOD",
    command: process.env.MONGOD || "mongod",
    args: (port, dir) => ["--port", `${port}`, "--dbpath", dir],
    pid: async (child) => child.pid!,
  };
  return start(kind, port, `mongodb://127.0.0.1:${port}`);
}

/** The RabbitMQ at AMQP_URL, or one of our own. Keep apart from its other users by a fresh namespace. */
export const sharedRabbit = (): Promise<Shared> => given(process.env.AMQP_URL) ?? startRabbit();

/** The MongoDB at MONGO_URL, or one of our own. Keep apart from its other users by a fresh database. */
export const sharedMongo = (): Promise<Shared> => given(process.env.MONGO_URL) ?? startMongo();

const given = (url?: string): Promise<Shared> | undefined =>
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
  /** What it started may hold its output open a while longer: nobody waits for that. */
  release(): void;
  ended: Promise<unknown>;
}

async function boot(kind: Kind, port: number, dir: string): Promise<Running> {
  const [command = "", ...given] = kind.command.split(/\s+/);
  await rm(join(dir, "pid"), { force: true });
  const child = spawn(command, [...given, ...kind.args(port, dir)], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let complaint = "";
  child.stderr.on("data", (chunk) => (complaint += chunk));
  const ended = once(child, "exit");
  const giveUp = () => void child.kill();
  process.once("exit", giveUp);
  const why = ended.then(
    (how) => how.join(" "),
    (error: Error) => error.message,
  );
  const failed = why.then((how) => {
    throw new Error(
      `${kind.variable}: "${kind.command}" does not start a server (${complaint.trim() || how}).`,
    );
  });
  failed.catch(() => {}); // its ending later is no failure to start
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
    // It has ended a moment ago.
  }
}

/** A server that runs in a root folder of its own keeps its data there and links its pid file. */
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

/** `beside`: a second port that far above is needed too. */
export async function freePort(from: number, beside = 0): Promise<number> {
  const port = from + Math.floor(Math.random() * 25_000);
  const free = (await isFree(port)) && (await isFree(port + beside));
  return free ? port : freePort(from, beside);
}

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer().once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
