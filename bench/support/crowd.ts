/** The devices' process, and what is asked of it. */
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Arrival, Ask } from "../devices.ts";

const command = join(import.meta.dirname, "../devices.ts");

export class Crowd {
  readonly #child: ChildProcess = fork(command, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  readonly #ended = once(this.#child, "exit").then(([code]) => {
    throw new Error(`The devices ended with ${code}.`);
  });

  constructor() {
    this.#ended.catch(() => {}); // where nobody waits for them, they were ended
  }

  /** A device for each token, all at once or so many under way at a time. Throws unless each gets its inbox and stays. */
  async arrive(sockets: string, tokens: string[], atATime = tokens.length): Promise<Arrival> {
    const arrival = await this.#ask<Arrival>({ what: "arrive", sockets, tokens, atATime });
    const held = await this.#ask<number>({ what: "count" });
    if (arrival.inboxes !== tokens.length || held !== tokens.length)
      throw new Error(
        `${sockets}: of ${tokens.length} devices ${arrival.inboxes} got an inbox and ${held} are connected.`,
      );
    return arrival;
  }

  async leave(): Promise<void> {
    await this.#ask({ what: "leave" });
  }

  end(): void {
    this.#child.kill();
  }

  async #ask<Answer>(ask: Ask): Promise<Answer> {
    this.#child.send(ask);
    const answered = new Promise<Answer>((resolve) =>
      this.#child.once("message", resolve as (answer: unknown) => void),
    );
    return Promise.race([answered, this.#ended]);
  }
}
