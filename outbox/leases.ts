import { randomUUID } from "node:crypto";
import { codeOf } from "../broker/refusal.ts";
import { afterDelivery, claimed, due, released, startWithinMs } from "../domain/outbox.ts";
import type { Outbox, Outcome, Owner } from "../domain/outbox.ts";
import { batched } from "../store/group-commit.ts";
import type { Store } from "../store/store.ts";
import type { Sender } from "./receiver.ts";

/** Documents that only this node may deliver from, until their lease ends. */
export interface Lease<Doc> {
  claim: string;
  documents: Doc[];
  /** No call starts later (by performance.now()), so that it ends within the lease. */
  startBy: number;
}

/** How the delivery ended, by the kind of the entry. */
export type Outcomes = Record<string, Outcome>;

/** Documents as they were at one moment. */
export interface Found<Doc> {
  documents: Doc[];
  /** By performance.now(). */
  at: number;
}

/** Documents that were found longer ago are read again when they are claimed (ms): other nodes may have delivered from them since. */
const freshMs = 3_000;

interface Mark {
  claim: string;
  id: string;
  /** The outbox after the delivery. */
  outbox: Outbox;
}

/** Claims documents, and marks their entries after a delivery. */
export class Leases<Doc extends Owner> {
  readonly #store: Store<Doc>;
  readonly #logger: Sender["logger"];
  /** Group commit: one write marks all documents whose outbox becomes the same. */
  readonly #write = batched(async (marks: Mark[]) => {
    const groups = Map.groupBy(marks, ({ claim, outbox }) => claim + JSON.stringify(outbox));
    await Promise.all([...groups.values()].map((group) => this.#writeAll(group)));
    return () => {};
  });

  constructor(store: Store<Doc>, logger: Sender["logger"]) {
    this.#store = store;
    this.#logger = logger;
  }

  /** The lease of a document that was written with this claim. */
  direct(claim: string, document: Doc): Lease<Doc> {
    return { claim, documents: [document], startBy: performance.now() + startWithinMs };
  }

  /** Claims those of the documents that no other node has claimed since they were found. */
  async claim({ documents: found, at }: Found<Doc>): Promise<Lease<Doc>> {
    const startBy = performance.now() + startWithinMs;
    const now = this.#store.now();
    const claim = randomUUID();
    const ids = { _id: { $in: found.map(({ _id }) => _id) } };
    const count = await this.#store.changeMany({ ...ids, ...due(now) }, claimed(claim, now));
    const isFresh = performance.now() - at <= freshMs;
    if (isFresh && count === found.length) return { claim, startBy, documents: found };
    const mine = count > 0 ? await this.#store.find({ ...ids, "outbox.claim": claim }) : [];
    return { claim, startBy, documents: mine };
  }

  /** Writes the outcomes of each document, in order, and gives up the lease. Never rejects. */
  async mark({ claim, documents }: Lease<Doc>, outcomes: Outcomes[]): Promise<void> {
    const now = this.#store.now();
    await Promise.all(
      documents.map(({ _id: id, outbox }, n) =>
        this.#write({ claim, id, outbox: afterDelivery(outbox!, outcomes[n]!, now) }),
      ),
    );
  }

  /**
   * Matches only while the lease holds and no entry was added. Where one was added, the lease is given up:
   * the new entry may be due now. The older entries are delivered again, which is harmless.
   */
  async #writeAll(marks: Mark[]): Promise<void> {
    const ids = marks.map(({ id }) => id);
    const { claim, outbox } = marks[0]!;
    const query = { _id: { $in: ids }, "outbox.claim": claim, "outbox.version": outbox.version };
    try {
      const marked = await this.#store.changeMany(query, { $set: { outbox } });
      if (marked < marks.length)
        await this.#store.changeMany(
          { _id: { $in: ids }, "outbox.claim": claim },
          released(this.#store.now()),
        );
    } catch (error) {
      this.#logger.debug(
        `The outbox of ${ids.join(", ")} was not marked and is due when its lease ends: ${codeOf(error)}`,
      );
    }
  }
}
