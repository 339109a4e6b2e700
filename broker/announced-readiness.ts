import type { Middleware, ServiceBroker, ActionHandler } from "moleculer";
import { services as dataServices } from "../contracts/actions.ts";
import { typedCall } from "./context.ts";
import { codeOf } from "./refusal.ts";
import type { ReadinessMetadata } from "./ready-first.ts";

/** Time between two checks (ms). */
const checkIntervalMs = 1_000;
/** Time between two checks while a service is not ready (ms). */
const recheckIntervalMs = 500;
/** A service that takes longer for its health check is not ready (ms). */
const checkTimeoutMs = 1_000;

/** Internals that Moleculer does not declare. */
interface LocalNodeInfo {
  localNodeInfoInvalidated: boolean | "seq";
}

/**
 * Checks this node's services once a second, and at once when one of their actions finds something unavailable. When
 * the result changes, it is announced to the other nodes in this node's metadata (ready-first.ts). Without a
 * transporter nobody else can serve, so nothing is checked.
 */
export function announcedReadiness(): Middleware {
  const readiness = new NodeReadiness();
  return {
    name: "AnnouncedReadiness",
    localAction(this: ServiceBroker, next: ActionHandler) {
      if (!this.transit) return next;
      return function (ctx) {
        return (next.call(this, ctx) as Promise<unknown>).catch((error: unknown) => {
          if (codeOf(error) === "UNAVAILABLE") readiness.checkSoon();
          throw error;
        });
      };
    },
    async started(broker: ServiceBroker) {
      if (broker.transit) readiness.start(broker);
    },
    async stopping() {
      readiness.stop();
    },
  };
}

class NodeReadiness {
  #broker: ServiceBroker | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isChecking = false;
  #unready: readonly string[] = [];

  start(broker: ServiceBroker): void {
    this.#broker = broker;
    void this.#check();
  }

  stop(): void {
    this.#broker = undefined;
    clearTimeout(this.#timer);
  }

  /** Returns at once. */
  checkSoon(): void {
    if (this.#broker && !this.#isChecking && this.#unready.length === 0) void this.#check();
  }

  async #check(): Promise<void> {
    const broker = this.#broker!;
    clearTimeout(this.#timer);
    this.#isChecking = true;
    const hosted = dataServices.filter((name) => broker.getLocalService(name));
    const results = await Promise.all(hosted.map((name) => isReady(broker, name)));
    this.#isChecking = false;
    // While the broker stops, its node has announced that it offers nothing.
    if (!this.#broker?.started) return;
    this.#announce(hosted.filter((_, n) => !results[n]));
    const interval = this.#unready.length > 0 ? recheckIntervalMs : checkIntervalMs;
    this.#timer = setTimeout(() => void this.#check(), interval);
  }

  #announce(unready: readonly string[]): void {
    const { metadata, registry, transit } = this.#broker!;
    if (unready.join() === this.#unready.join()) return;
    this.#unready = unready;
    (metadata as ReadinessMetadata).unready = unready;
    // The cast: Moleculer does not declare it. Without a new sequence number other nodes would ignore the metadata.
    (registry as unknown as LocalNodeInfo).localNodeInfoInvalidated = "seq";
    void transit?.discoverer.sendLocalNodeInfo();
  }
}

const isReady = (broker: ServiceBroker, name: (typeof dataServices)[number]): Promise<boolean> =>
  typedCall(broker)(
    `${name}.health`,
    {},
    { nodeID: broker.nodeID, timeout: checkTimeoutMs, retries: 0 },
  ).then(
    () => true,
    () => false,
  );
