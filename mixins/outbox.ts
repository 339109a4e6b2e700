import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { Service } from "moleculer";
import pLimit from "p-limit";
import { badData, codeOf } from "../broker/refusal.ts";
import { schema, type Ctx } from "../broker/provide.ts";
import type { ActionName, Actions } from "../contracts/actions.ts";
import type { Debt, Owed } from "../contracts/outbox.ts";
import type { ParamsOf } from "../contracts/schema.ts";
import * as debt from "../domain/outbox.ts";
import { batched } from "../store/group-commit.ts";
import { paginate } from "../store/pagination.ts";
import type { Index, Store } from "../store/store.ts";

/** Debts that are paid at once, as they arise, at any moment; what arises meanwhile is left to the relay. */
const mostAtOnce = 100;
/** What the relay claims at a time, and tells with one call: no more than a call may carry. */
const batch = 100;
/** So many of those at any moment; of a backlog, that is more than one look takes, more: in a busy database a few would only wait. */
const lanes = 2;
const lanesOfBacklog = 5;
/** Where such a call fails its debts are told one by one, so many at any moment. */
const singles = 3;
/** How long it pays of what one look found (ms): so long what comes due meanwhile waits. */
const longestTurn = 1_000;
/** What it looks up at a time: as much as it pays in a turn, within these bounds. */
const leastLook = 500;
const mostLook = 8_000;
/** In no less time than this (ms) is looked for more. */
const leastWindow = 100;
/** What comes due is looked for so long again (ms): another node's clock may be behind, and its write be seen late. */
const overlap = 10_000;
/** So often the relay looks for what is due (ms); it looks at once when those who are to be told come into sight. */
const lookEvery = 500;
/** A stop waits this long for calls that are under way (ms). */
const lastCalls = 2_000;

interface Owing {
  _id: string;
  notice?: Debt;
}

/** What the mixin adds to a service. */
export interface Debts<Doc extends Owing> extends Service {
  store: Store<Doc>;
  /** The debt to be written together with what happens now. */
  owe(now: Date): Debt;
  /** Of a document that `owe` was written to: pays in the background, within the caller's trace. What fails is left to the relay. */
  pay(ctx: Ctx<unknown>, document: Doc): void;
  owed(params: {
    state: "pending" | "refused";
    limit?: number;
    cursor?: string;
  }): Promise<{ count: number; debts: Owed[]; nextCursor: string | null }>;
  replay(id?: string): Promise<{ replayed: number }>;
}

interface Relay<Doc extends Owing> extends Debts<Doc> {
  relay: {
    /** The look that is under way, and whether to look again after it. */
    looking: Promise<void> | undefined;
    again: boolean;
    isStopping: boolean;
    /** Whoever is to be told is in sight and takes nothing; and the timer that ends the wait after the last attempt. */
    isOutage: boolean;
    waiting: NodeJS.Timeout | undefined;
    /** The next look takes so many. */
    reach: number;
    /** The `dueAt` that the last one came to (ms since 1970). */
    cameTo: number;
    /** The next one looks so much further (ms): about as long as so many debts took to come due. */
    window: number;
    /** When the last look began (ms since 1970). */
    lookedAt: number;
  };
  paying: Set<Promise<void>>;
  looks: NodeJS.Timeout;
  told(id: string): Promise<void>;
  release(id: string): Promise<void>;
  inSight(): boolean;
  mayPay(): boolean;
  look(): void;
  payAllDue(): Promise<void>;
  turn(): Promise<boolean>;
  dueNow(): Promise<Doc[]>;
  oldest(now: number, limit: number): Promise<Doc[]>;
  claim(found: Doc[]): Promise<Doc[]>;
  settleTogether(mine: Doc[], lateAt: number): Promise<void>;
  settle(mine: Doc[], call: Call, lateAt?: number): Promise<void>;
  tell(document: Doc, call: Call): Promise<{ outcome: debt.Outcome; message: string }>;
  keepAway(away: Doc[], isOutage: boolean): Promise<void>[];
  keep(document: Doc, outcome: "refused" | "failed", message: string): Promise<void>;
  write(ids: string[], update: Record<string, unknown>): Promise<void>;
  wait(): void;
}

type Call = (params: object) => Promise<unknown>;

/** Actions that take what `A` takes, many at a time, and answer when they have taken every one. */
type Together<A extends ActionName> = {
  [B in ActionName]: ParamsOf<Actions[B]> extends { notices: ParamsOf<Actions[A]>[] } ? B : never;
}[ActionName];

/** What the collection of such a service must be indexed by. A document has one entry while it owes, and none before and after. */
export const debtIndexes: Index[] = [
  { fields: ["notice.dueAt", "_id"], partial: "notice.dueAt" },
  { fields: ["notice.refusedAt", "_id"], partial: "notice.refusedAt" },
];

/**
 * For a service whose documents owe somebody a notice (`notice`, written together with what happened): tells them by calling `action`,
 * at once and, as long as that fails, again, with many in a call of `together`; never not at all. Telling twice must be harmless: the
 * notice carries an id of its own.
 * Name it before the collection among the mixins: those stop in that order.
 */
export function debts<Doc extends Owing, A extends ActionName>(options: {
  action: A;
  together: Together<A>;
  notice: (document: Doc) => ParamsOf<Actions[A]>;
}) {
  const { action, together, notice } = options;

  return schema<Relay<Doc>>({
    events: {
      // Local: a node or a service came or went.
      "$services.changed": { handler: noticed },
      "$node.disconnected": { handler: noticed },
    },

    methods: {
      owe(now: Date) {
        return debt.newDebt(
          now,
          this.inSight() && !this.relay.isOutage && this.paying.size < mostAtOnce,
        );
      },

      pay(ctx: Ctx<unknown>, document: Doc) {
        if (!debt.isLeased(document.notice!, new Date())) return this.look();
        // Many may have found room at once.
        if (this.paying.size >= mostAtOnce)
          return void this.release(document._id).then(() => this.look());
        const paying = this.settle([document], (params) =>
          ctx.call(action, params as never),
        ).finally(() => this.paying.delete(paying));
        this.paying.add(paying);
      },

      async owed({ state, ...params }: Parameters<Debts<Doc>["owed"]>[0]) {
        const [query, ordering] =
          state === "pending"
            ? [debt.pending, { field: "notice.dueAt", direction: 1 } as const]
            : [debt.setAside, { field: "notice.refusedAt", direction: -1 } as const];
        const [count, { rows, nextCursor }] = await Promise.all([
          this.store.count(query),
          paginate(this.store, query, ordering, params),
        ]);
        return {
          count,
          debts: rows.map(({ _id: id, notice }) => ({ id, ...notice! })),
          nextCursor,
        };
      },

      async replay(id?: string) {
        const which = { ...debt.setAside, ...(id !== undefined && { _id: id }) };
        const replayed = await this.store.changeMany(which, debt.replayed(new Date()));
        if (id !== undefined && replayed === 0)
          throw badData([{ field: "id", message: "is not that of a refused debt" }]);
        this.look();
        return { replayed };
      },

      inSight() {
        return this.broker.registry.actions.isAvailable(action);
      },

      mayPay() {
        return this.inSight() && !this.relay.waiting && !this.relay.isStopping;
      },

      /** Pays all that is due, one look at a time; one that is asked for meanwhile follows. */
      look() {
        const { relay } = this;
        relay.again = true;
        relay.looking ??= this.payAllDue()
          .catch((error: unknown) => {
            this.logger.debug(`The relay will look again: ${codeOf(error)}`);
            relay.reach = leastLook;
          })
          .finally(() => (relay.looking = undefined));
      },

      async payAllDue() {
        const { relay } = this;
        while (relay.again && this.mayPay()) {
          relay.again = false;
          if (await this.turn()) relay.again = true;
        }
      },

      /** Whether there was something to pay. */
      async turn() {
        const found = await this.dueNow();
        const batches = Array.from({ length: Math.ceil(found.length / batch) }, (_, n) =>
          found.slice(n * batch, (n + 1) * batch),
        );
        const turnEnds = performance.now() + longestTurn;
        let paid = 0;
        let failure: unknown;
        const isBacklog = found.length >= this.relay.reach;
        await pLimit(isBacklog ? lanesOfBacklog : lanes).map(batches, async (next) => {
          if (failure || !this.mayPay() || performance.now() > turnEnds) return;
          const lateAt = performance.now() + debt.beginWithinMs;
          // Another turn begins when all of this one have ended.
          const mine = await this.claim(next).catch((error: unknown) => void (failure = error));
          if (!mine) return;
          await this.settleTogether(mine, lateAt);
          paid += next.length;
        });
        if (failure) throw failure;
        this.relay.reach = Math.round(Math.min(Math.max(leastLook, 1.5 * paid), mostLook));
        return found.length > 0;
      },

      /** What came due since the last look, so that it does not wait behind a backlog; and of all else the oldest. In an outage one debt. */
      async dueNow() {
        const { relay } = this;
        const now = Date.now();
        const limit = relay.isOutage ? 1 : relay.reach;
        const old = await this.oldest(now, limit);
        const since = Math.max(relay.cameTo, relay.lookedAt - overlap);
        relay.lookedAt = now;
        if (relay.isOutage || relay.cameTo === now) return old;
        const fresh = await this.store.find(debt.dueBetween(new Date(since), new Date(now)), {
          sort: byAge,
          limit: Math.ceil(limit / 4),
        });
        return [...fresh, ...old];
      },

      /** A database may read all that is due before it heeds the limit (docs/decisions/008): it is asked for little more than it takes. */
      async oldest(now: number, limit: number) {
        const { relay } = this;
        for (;;) {
          const until = Math.min(relay.cameTo + relay.window, now);
          const found = await this.store.find(debt.due(new Date(until)), { sort: byAge, limit });
          if (found.length === limit) {
            const [first, last] = [found[0]!, found.at(-1)!].map(
              ({ notice }) => Date.parse(notice!.dueAt!) || now,
            );
            relay.window = Math.max(leastWindow, last! - first!);
            relay.cameTo = last!;
            return found;
          }
          if (until === now) {
            relay.cameTo = now;
            return found;
          }
          relay.window *= 2;
        }
      },

      /** Of those found, the ones that nobody else claimed first. */
      async claim(found: Doc[]) {
        const now = new Date();
        const claim = randomUUID();
        const ids = { _id: { $in: found.map(({ _id }) => _id) } };
        const claimed = await this.store.changeMany(
          { ...ids, ...debt.due(now) },
          debt.claimed(claim, now),
        );
        if (claimed === 0) return [];
        if (claimed === found.length) return found;
        const mine = new Set(
          (await this.store.find({ ...ids, "notice.claim": claim })).map(({ _id }) => _id),
        );
        return found.filter(({ _id }) => mine.has(_id));
      },

      /** Tells of these debts with one call. If that fails, one call for each finds out whose fault it is. */
      async settleTogether(mine: Doc[], lateAt: number) {
        const call = (name: string) => (params: object) =>
          this.broker.call<unknown, object>(name, params);
        if (mine.length < 2 || !this.mayPay() || performance.now() > lateAt)
          return this.settle(mine, call(action), lateAt);
        try {
          await call(together)({ notices: mine.map(notice) });
        } catch (error) {
          this.logger.debug(
            `${mine.length} debts are told one by one: ${(error as Error).message}`,
          );
          return this.settle(mine, call(action), lateAt);
        }
        this.relay.isOutage = false;
        await Promise.all(mine.map(({ _id }) => this.told(_id)));
      },

      /** Tells of these debts, on which a lease is held, and writes down how it went. Never rejects. */
      async settle(mine: Doc[], call: Call, lateAt = performance.now() + debt.beginWithinMs) {
        const away: Doc[] = [];
        const written: Promise<void>[] = [];
        let isTaken = false;
        await pLimit(singles).map(mine, async (document) => {
          // One answer says enough of an outage: the rest need not wait for theirs.
          const isOver = away.length > 0 || performance.now() > lateAt || !this.mayPay();
          if (isOver) return void written.push(this.release(document._id));
          const { outcome, message } = await this.tell(document, call);
          isTaken ||= outcome === "told" || outcome === "refused";
          if (outcome === "away") away.push(document);
          else
            written.push(
              outcome === "told" ? this.told(document._id) : this.keep(document, outcome, message),
            );
        });
        if (isTaken) this.relay.isOutage = false;
        await Promise.all([...written, ...this.keepAway(away, !isTaken)]);
      },

      async tell(document: Doc, call: Call) {
        try {
          await call(notice(document) as object);
          return { outcome: "told", message: "" };
        } catch (error) {
          return { outcome: debt.outcomeOf(codeOf(error)), message: (error as Error).message };
        }
      },

      /** What nobody took. When others were taken meanwhile it is no outage: something may be wrong with these, and they wait longer each time. */
      keepAway(away: Doc[], isOutage: boolean) {
        const isThere = this.inSight();
        if (away.length > 0 && isThere && isOutage) this.wait();
        return away.map(({ _id, notice }) => {
          if (!isThere) return this.release(_id);
          const wait = debt.waitMs(isOutage ? 0 : triesOf(notice), Math.random());
          return this.write([_id], debt.postponed(wait, new Date()));
        });
      },

      keep({ _id, notice }: Doc, outcome: "refused" | "failed", message: string) {
        if (outcome === "refused") {
          this.logger.error(
            `What ${_id} owes was refused and is set aside (${this.name}.debts, ${this.name}.replay): ${message}`,
          );
          return this.write([_id], debt.refused(message, new Date()));
        }
        const tries = triesOf(notice);
        if (tries === 0)
          this.logger.error(
            `What ${_id} owes cannot be told, and is tried again and again: ${message}`,
          );
        return this.write([_id], debt.postponed(debt.waitMs(tries, Math.random()), new Date()));
      },

      async write(ids: string[], update: Record<string, unknown>) {
        try {
          await this.store.changeMany({ _id: { $in: ids }, ...debt.pending }, update);
        } catch (error) {
          this.logger.debug(
            `What ${ids.join(", ")} owe is due again when the lease ends: ${codeOf(error)}`,
          );
        }
      },

      /** Nobody takes notices: all debts wait a little, then one asks. */
      wait() {
        const { relay } = this;
        if (relay.waiting) return;
        relay.isOutage = true;
        relay.waiting = setTimeout(() => {
          relay.waiting = undefined;
          this.look();
        }, debt.outageWaitMs(Math.random())).unref();
      },
    },

    created() {
      this.relay = {
        looking: undefined,
        again: false,
        isStopping: false,
        isOutage: false,
        waiting: undefined,
        reach: leastLook,
        window: Infinity,
        cameTo: 0,
        lookedAt: 0,
      };
      this.paying = new Set();
      const all = (update: () => Record<string, unknown>) => (ids: string[]) =>
        this.write(ids, update()).then(() => () => {});
      this.told = batched(all(() => debt.told));
      this.release = batched(all(() => debt.released(new Date())));
    },

    started() {
      this.looks = setInterval(() => this.look(), lookEvery).unref();
      this.look();
    },

    async stopped() {
      const { relay } = this;
      relay.isStopping = true;
      clearInterval(this.looks);
      clearTimeout(relay.waiting);
      await Promise.race([
        Promise.all([...this.paying, relay.looking]),
        pause(lastCalls, undefined, { ref: false }),
      ]);
    },
  });

  /** Come back into sight: an outage that was waited for may be over. */
  function noticed(this: unknown) {
    const { relay, look } = this as Relay<Doc>;
    clearTimeout(relay.waiting);
    relay.waiting = undefined;
    look();
  }
}

/** As the index has them. */
const byAge = { "notice.dueAt": 1, _id: 1 } as const;

const triesOf = (notice?: Partial<Debt>) => notice?.attempts ?? 0;
