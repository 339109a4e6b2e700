import { define } from "../broker/define.ts";
import { env } from "../broker/env.ts";
import { isReady } from "../broker/ready-first.ts";
import { Retention } from "../store/retention.ts";
import type { Collection, Store, Stored } from "../store/store.ts";

/** Parts of Moleculer's endpoints that it does not declare. */
type Endpoint = Parameters<typeof isReady>[0] & { id: string; isAvailable: boolean };

/**
 * Removes what has ended of a collection (`sweeps`). Of the ready nodes of the service the first one by name does it. If two nodes
 * disagree about which one that is, both do, to the same result.
 */
export const retention = ({ sweeps }: Collection) =>
  define({
    state() {
      return { retention: undefined as Retention | undefined };
    },

    started() {
      const isMine = () => {
        const list = this.broker.registry.getActionEndpoints(`${this.name}.health`);
        const endpoints = (list?.endpoints ?? []) as unknown as Endpoint[];
        const ready = endpoints.filter((one) => one.isAvailable && isReady(one));
        return ready.map(({ id }) => id).sort()[0] === this.broker.nodeID;
      };
      const { logger } = this;
      // The cast: the `collection` mixin, of which this is a part, sets it.
      const { store } = this as unknown as { store: Store<Stored> };
      this.retention = new Retention(sweeps?.(store as never, env.keepDays) ?? [], {
        now: () => store.now(),
        logger,
        isMine,
      });
      this.retention.start();
    },

    stopped() {
      return this.retention?.stop();
    },
  });
