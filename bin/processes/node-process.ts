/** Nodes of Souk as child processes, as `npm run service` starts them. For the demo, the tests and the benchmarks. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "./eventually.ts";

export interface Node {
  child: ChildProcess;
  /** Everything it has printed so far. */
  output(): string;
  /** Its HTTP origin, if it hosts api; otherwise empty. */
  api: string;
  /** Its Socket.IO origin, if it hosts notifications; otherwise empty. */
  sockets: string;
  /** Sends a signal (SIGTERM by default) and waits for the end. Returns the exit code, or the signal's name. */
  end(signal?: NodeJS.Signals): Promise<number | string>;
}

type Environment = Record<string, string | undefined>;

const root = join(import.meta.dirname, "../..");
const service = join(root, "bin/service.ts");
/** The options that bin/launch.sh gives Node. */
export const nodeOptions =
  /^exec .*$/m.exec(readFileSync(join(root, "bin/launch.sh"), "utf8"))?.[0].match(/--\S+/g) ?? [];

/** Starts a node and waits until it prints that it is open. Throws with its output when it ends first. */
export async function startNode(
  names: string[],
  env: Environment,
  command = service,
): Promise<Node> {
  const node = spawnNode(names, env, command);
  await eventually(
    () => {
      if (node.child.exitCode !== null) return; // the error below has the reason
      if (!node.output().includes(" is open"))
        throw new Error(`The node is not open yet: ${node.output()}`);
    },
    { within: 60_000 },
  );
  if (node.child.exitCode !== null) throw new Error(`The node ended: ${node.output()}`);
  return node;
}

/** Starts a node without waiting, for nodes that are expected to fail. */
export function spawnNode(names: string[], env: Environment, command = service): Node {
  // Only HOME and PATH of our own environment reach the node.
  const { PATH, HOME } = process.env;
  const defaults = {
    PATH,
    HOME,
    HOST: "127.0.0.1",
    PORT: "0",
    SOCKET_PORT: "0",
    LOG_LEVEL: "warn",
  };
  const child = spawn(process.execPath, [...nodeOptions, command, ...names], {
    env: { ...defaults, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  let printed = "";
  child.stdout.on("data", (chunk) => (printed += chunk));
  child.stderr.on("data", (chunk) => (printed += chunk));
  const ended = once(child, "close").finally(() => process.off("exit", kill));
  const originOf = (protocol: string) =>
    new RegExp(`${protocol} at (http://[^\\s,;]+)`).exec(printed)?.[1] ?? "";
  return {
    child,
    output: () => printed,
    get api() {
      return originOf("HTTP");
    },
    get sockets() {
      return originOf("Socket.IO");
    },
    async end(signal = "SIGTERM") {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      await ended;
      return child.exitCode ?? child.signalCode!;
    },
  };
}

/** Makes a new temporary folder. `remove` deletes it. */
export function temporaryFolder(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), "souk-test-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true, maxRetries: 5 }) };
}
