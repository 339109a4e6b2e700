/** Nodes of Souk as real processes: what `npm run service` runs. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "./eventually.ts";

export interface Node {
  child: ChildProcess;
  /** All it printed. */
  output(): string;
  /** Where it serves HTTP, if it hosts api. */
  api: string;
  /** Where its sockets are, if it hosts notifications. */
  sockets: string;
  /** Sends a signal and waits for the end; the exit code, or the signal's name. */
  end(signal?: NodeJS.Signals): Promise<number | string>;
}

type Environment = Record<string, string | undefined>;

const root = join(import.meta.dirname, "../..");
const service = join(root, "bin/service.ts");
const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  scripts: { service: string };
};
/** The options that `npm run service` gives Node. */
export const nodeOptions = scripts.service.match(/--\S+(?=.* bin\/)/g) ?? [];

/** Waits until the node says that it is open. */
export async function startNode(
  names: string[],
  env: Environment,
  command = service,
): Promise<Node> {
  const node = spawnNode(names, env, command);
  await eventually(
    () => {
      if (node.child.exitCode !== null) return; // it will not come: the error below says why
      if (!node.output().includes(" is open")) throw new Error(`not open: ${node.output()}`);
    },
    { within: 20_000 },
  );
  if (node.child.exitCode !== null) throw new Error(`The node ended: ${node.output()}`);
  return node;
}

/** Without waiting: for nodes that are expected not to start. */
export function spawnNode(names: string[], env: Environment, command = service): Node {
  // HOME and PATH aside, nothing of the test's own environment reaches the node.
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
  const at = (what: string) => new RegExp(`${what} at (http://[^\\s,;]+)`).exec(printed)?.[1] ?? "";
  return {
    child,
    output: () => printed,
    get api() {
      return at("HTTP");
    },
    get sockets() {
      return at("Socket.IO");
    },
    async end(signal = "SIGTERM") {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      await ended;
      return child.exitCode ?? child.signalCode!;
    },
  };
}

/** A folder that is removed by `remove`. */
export function temporaryFolder(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), "souk-test-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true, maxRetries: 5 }) };
}
