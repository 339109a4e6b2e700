/**
 * Three joined RabbitMQ nodes on free ports, for the tests. RABBITMQ_CLUSTER holds the command that starts them:
 * `RABBITMQ_CLUSTER --ports A,B,C --dir DIR`. When they are joined, it creates `DIR/ready`; `DIR/N/pid` holds the process id
 * of node N, and `DIR/ctl N …` is rabbitmqctl on it.
 */
import { execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { eventually } from "./eventually.ts";
import { freePort } from "./free-port.ts";
import { SERVER_START } from "./servers.ts";

export interface RabbitCluster {
  /** The URL of each node. */
  urls: string[];
  /** Runs rabbitmqctl on the node with this number, from 1, and returns what it prints. */
  ctl(node: number, ...args: string[]): Promise<string>;
  /** Sends SIGKILL, or the given signal, to the node with this number. */
  kill(node: number, signal?: NodeJS.Signals): Promise<void>;
  stop(): Promise<void>;
}

export async function startRabbitCluster(): Promise<RabbitCluster> {
  const dir = await mkdtemp(join(tmpdir(), "souk-brokers-"));
  const ports = [await freePort(), await freePort(), await freePort()];
  const [command = "", ...options] = (process.env.RABBITMQ_CLUSTER || "rabbitmq-cluster").split(
    /\s+/,
  );
  const args = [...options, "--ports", ports.join(","), "--dir", dir];
  const child = spawn(command, args, { stdio: ["ignore", "ignore", "pipe"] });
  let errors = "";
  child.stderr.on("data", (chunk) => (errors += chunk));
  const ended = once(child, "exit").catch((error: Error) => void (errors += error.message));
  const failed = ended.then(() => {
    throw new Error(`RABBITMQ_CLUSTER: "${command}" does not start a cluster (${errors.trim()}).`);
  });
  failed.catch(() => null); // an end after the start is not a failed start
  const isReady = () => {
    if (!existsSync(join(dir, "ready"))) throw new Error("The RabbitMQ nodes are not joined yet.");
  };
  await Promise.race([eventually(isReady, { within: SERVER_START, every: 200 }), failed]);
  const pidOf = async (node: number) => Number(await readFile(join(dir, `${node}/pid`), "utf8"));
  return {
    urls: ports.map((port) => `amqp://guest:guest@127.0.0.1:${port}`),
    ctl: async (node, ...args) =>
      (await promisify(execFile)(join(dir, "ctl"), [`${node}`, ...args])).stdout,
    kill: async (node, signal = "SIGKILL") => void process.kill(await pidOf(node), signal),
    stop: async () => {
      child.kill();
      await ended;
      await rm(dir, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
