import { badData } from "../broker/refusal.ts";
import type { Ctx } from "../broker/context.ts";
import { define, mixinOf } from "../broker/define.ts";
import { traceparentOf, type Traced } from "../broker/tracing/trace.ts";
import type { ListedEntry } from "../contracts/outbox.ts";
import * as domain from "../domain/outbox.ts";
import type { DueTimes, KindOf, Owner } from "../domain/outbox.ts";
import type { Kind } from "../outbox/kind.ts";
import type { Call } from "../outbox/receiver.ts";
import { Relay } from "../outbox/relay.ts";
import { paginate } from "../store/pagination.ts";
import type { Index, Store, Update } from "../store/store.ts";

/** The collection's indexes for the outbox. A document has an index entry only while a message is pending or refused. */
export const outboxIndexes: Index[] = [
  { fields: ["outbox.dueAt", "_id"], partial: "outbox.dueAt" },
  { fields: ["outbox.refusedAt", "_id"], partial: "outbox.refusedAt" },
];

/** An update by its operators. */
type Changes = Record<string, Record<string, unknown>>;

/** Empty: it only declares that the service has a store, which its own `collection` mixin sets. */
const collectionOfTheService = {};

const orders = {
  pending: [domain.pending, { field: "outbox.dueAt", direction: 1 }],
  refused: [domain.refused, { field: "outbox.refusedAt", direction: -1 }],
} as const;

/**
 * A transactional outbox in the documents of a service. Declares the kinds of messages that they send, exactly those in the
 * schema of `outbox` (domain/outbox.ts). Each message is delivered at least once, so it must carry an id of its own.
 * Name this mixin before the collection: mixins stop in that order.
 */
export function outbox<Doc extends Owner>(kinds: { [K in KindOf<Doc>]: Kind<Doc> }) {
  // Another version of Souk may have stored entries of other kinds. This one neither lists nor changes them.
  const known = Object.keys(kinds);
  return define({
    mixins: [mixinOf<{ store: Store<Doc> }>(collectionOfTheService)],

    state() {
      return { relay: new Relay<Doc>(this, this.store, kinds) };
    },

    methods: {
      /** The outbox to write into a document that has none, with the kinds and due times of its messages, in the trace of `ctx`. */
      enqueue(due: DueTimes<KindOf<Doc>>, ctx?: Traced) {
        return this.relay.enqueue(due, ctx && traceparentOf(ctx));
      },

      /** Adds messages to an update of a document that may have an outbox. */
      withEntries(update: Changes, due: DueTimes<KindOf<Doc>>, ctx?: Traced): Update {
        return domain.withEntries(update, due, this.store.now(), ctx && traceparentOf(ctx));
      },

      /** Delivers the due entries of a document that was just written, in the background and in the caller's trace. */
      deliver(ctx: Ctx<unknown>, document: Doc) {
        // The relay calls an action by a variable name. Its params were typed where the kind was declared.
        this.relay.deliver(document, (ctx.call as unknown as Call).bind(ctx));
      },

      /** A page of the entries in one state, and the number of all. */
      async listEntries({
        state,
        ...page
      }: {
        state: "pending" | "refused";
        limit?: number;
        cursor?: string;
      }) {
        const [query, ordering] = orders[state];
        const counts = known.map((kind) =>
          this.store.count({ ...query, ...domain.inState(kind, state) }),
        );
        const listed = { ...query, ...domain.anyInState(known, state) };
        const { rows, nextCursor } = await paginate(this.store, listed, ordering, page);
        const count = (await Promise.all(counts)).reduce((sum, one) => sum + one, 0);
        return { count, entries: rows.flatMap((row) => entriesOf(row, known, state)), nextCursor };
      },

      /** Makes the entries of one kind due again, except pending ones: the receiver lost their messages. */
      async enqueueAgain(kind: KindOf<Doc>, ids: string[]) {
        const isPending = domain.inState(kind, "pending");
        const [[state, pending]] = Object.entries(isPending) as [[string, string]];
        const now = this.store.now();
        await this.store.changeMany(
          { _id: { $in: ids }, [state]: { $ne: pending } },
          domain.withEntries({}, { [kind]: now }, now),
        );
        this.relay.poll();
      },

      /** Makes refused entries due again: those of one document, or all. BAD_DATA if that document has none. */
      async replayEntries(id?: string) {
        const query = { ...domain.refused, ...(id !== undefined && { _id: id }) };
        const now = this.store.now();
        let replayed = 0;
        for (const kind of known)
          replayed += await this.store.changeMany(
            { ...query, ...domain.inState(kind, "refused") },
            domain.withEntries({}, { [kind]: now }, now),
          );
        if (id !== undefined && replayed === 0)
          throw badData([
            { field: "id", message: "is not the id of a document with a refused entry" },
          ]);
        this.relay.poll();
        return { replayed };
      },
    },

    events: {
      // Local events: a node or a service appeared or went.
      "$services.changed"() {
        this.relay.retryNow();
      },
      "$node.disconnected"() {
        this.relay.retryNow();
      },
    },

    started() {
      this.relay.start();
    },

    stopped() {
      return this.relay.stop();
    },
  });
}

function entriesOf(
  { _id: id, outbox }: Owner,
  kinds: string[],
  state: "pending" | "refused",
): ListedEntry[] {
  return kinds.flatMap((kind) => {
    const entry = outbox?.entries[kind];
    return entry?.state === state ? [{ id, kind, ...entry }] : [];
  });
}
