/** Runs the fleet of socket clients as a child process. */
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { ConnectResult, FleetCommand } from "../load/socket-fleet.ts";

const command = join(import.meta.dirname, "../load/socket-fleet.ts");

export class SocketFleet {
  readonly #child: ChildProcess = fork(command, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  readonly #exited = once(this.#child, "exit").then(([code]) => {
    throw new Error(`The socket fleet exited with code ${code}.`);
  });

  constructor() {
    this.#exited.catch(() => {}); // `end` is an expected exit, which no command waits for
  }

  /** Connects one client for each token, `concurrency` at a time. Throws unless each receives its inbox and stays connected. */
  async connect(
    sockets: string,
    tokens: string[],
    concurrency = tokens.length,
  ): Promise<ConnectResult> {
    const result = await this.#send<ConnectResult>({
      command: "connect",
      sockets,
      tokens,
      concurrency,
    });
    const connected = await this.#send<number>({ command: "count" });
    if (result.inboxes !== tokens.length || connected !== tokens.length)
      throw new Error(
        `${sockets}: of ${tokens.length} clients ${result.inboxes} received an inbox and ${connected} are connected.`,
      );
    return result;
  }

  async disconnect(): Promise<void> {
    await this.#send({ command: "disconnect" });
  }

  end(): void {
    this.#child.kill();
  }

  async #send<Reply>(command: FleetCommand): Promise<Reply> {
    this.#child.send(command);
    const replied = new Promise<Reply>((resolve) =>
      this.#child.once("message", resolve as (reply: unknown) => void),
    );
    return Promise.race([replied, this.#exited]);
  }
}
