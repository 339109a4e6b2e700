import type { ServiceName } from "../../contracts/actions.ts";
import { startNode, type Node } from "../../bin/processes/node-process.ts";
import type { Proxy } from "../support/proxy.ts";
import { ShiftedClock } from "../support/shifted-clock.ts";

/** One node of the cluster. It restarts under the same name and addresses, as a container does. */
export class Member {
  readonly name: string;
  readonly service: ServiceName;
  readonly amqp: Proxy;
  /** The proxy to its database; api has none. */
  readonly mongo: Proxy | undefined;
  declare node: Node;
  readonly #clock = new ShiftedClock();
  readonly #processes: Node[] = [];
  readonly #env: Record<string, string | undefined>;

  constructor(
    name: string,
    service: ServiceName,
    env: Record<string, string | undefined>,
    amqp: Proxy,
    mongo?: Proxy,
  ) {
    [this.name, this.service, this.#env, this.amqp, this.mongo] = [name, service, env, amqp, mongo];
  }

  get proxies(): Proxy[] {
    return this.mongo ? [this.amqp, this.mongo] : [this.amqp];
  }

  get isRunning(): boolean {
    return (
      this.node !== undefined &&
      this.node.child.exitCode === null &&
      this.node.child.signalCode === null
    );
  }

  /** Starts the node unless it runs. */
  async start(): Promise<void> {
    if (this.isRunning) return;
    this.node = await startNode([this.service], { ...this.#env, ...this.#clock.env });
    this.#processes.push(this.node);
  }

  /** Sets the node's clock `ms` ahead, also that of its next process. */
  setClock(ms: number): Promise<void> {
    return this.#clock.set(ms, this.isRunning ? this.node.child.pid : undefined);
  }

  removeClock(): void {
    this.#clock.remove();
  }

  /** Resolves with the exit code, or with the name of the signal. */
  end(signal?: NodeJS.Signals): Promise<number | string> {
    return this.node.end(signal);
  }

  /** Its output over all restarts. */
  output(): string {
    return this.#processes.map((process) => process.output()).join("\n");
  }

  /** The lines with this text in its output. */
  lines(text: string): string[] {
    return this.output()
      .split("\n")
      .filter((line) => line.includes(text));
  }

  freeze(): void {
    this.node.child.kill("SIGSTOP");
  }

  thaw(): void {
    this.node.child.kill("SIGCONT");
  }
}
