import { isDue, leaseMs, type Owner } from "../domain/outbox.ts";
import type { Kind } from "./kind.ts";
import type { Lease, Outcomes } from "./leases.ts";
import { Receiver, type Call, type Sender } from "./receiver.ts";

/** The receivers of all kinds that a service declares. */
export class Receivers<Doc extends Owner> {
  readonly #all: Receiver<Doc>[];
  readonly #sender: Sender;
  /** Kinds that were logged because this node does not know them. */
  readonly #unknown = new Set<string>();
  #isStopping = false;

  constructor(kinds: Record<string, Kind<Doc>>, sender: Sender, onReady: () => void) {
    this.#sender = sender;
    this.#all = Object.entries(kinds).map(
      ([kind, declared]) => new Receiver(kind, declared, sender, onReady),
    );
  }

  /** Those that take all that is due. */
  accepting(): Receiver<Doc>[] {
    return this.#isStopping ? [] : this.#all.filter((receiver) => receiver.isAccepting());
  }

  /** Those in an outage that take one entry now, as a probe. */
  probing(): Receiver<Doc>[] {
    return this.#isStopping ? [] : this.#all.filter((receiver) => receiver.isProbing());
  }

  isAnyReady(): boolean {
    return this.accepting().length + this.probing().length > 0;
  }

  areAll(receivers: Receiver<Doc>[]): boolean {
    return receivers.length === this.#all.length;
  }

  endPauses(): void {
    for (const receiver of this.#all) receiver.endPause();
  }

  /** From now on no call starts. */
  stop(): void {
    this.#isStopping = true;
    this.endPauses();
  }

  /** Delivers the due entries of a lease, all kinds at once. The outcomes of each document, in order. Never rejects. */
  async deliver(
    { documents, startBy }: Lease<Doc>,
    receivers: Receiver<Doc>[],
    call: Call,
    now: Date,
  ): Promise<Outcomes[]> {
    const attempt = { call, mayStart: () => !this.#isStopping && performance.now() <= startBy };
    const outcomes = documents.map((document) => this.#untried(document, now));
    await Promise.all(
      receivers.map(async (receiver) => {
        const due = [...documents.entries()].filter(([, { outbox }]) =>
          isDue(outbox?.entries?.[receiver.kind], now),
        );
        const results = await receiver.deliver(
          due.map(([, document]) => document),
          attempt,
        );
        for (const [n, [at]] of due.entries()) outcomes[at]![receiver.kind] = results[n]!;
      }),
    );
    return outcomes;
  }

  /** The outcomes of due entries that nothing is done about: due again at once, or later if only another version of Souk knows the kind. */
  #untried({ _id, outbox }: Doc, now: Date): Outcomes {
    const due = Object.entries(outbox?.entries ?? {}).filter(([, entry]) => isDue(entry, now));
    return Object.fromEntries(
      due.map(([kind]) => {
        const isKnown = this.#all.some((receiver) => receiver.kind === kind);
        if (!isKnown && !this.#unknown.has(kind)) {
          this.#unknown.add(kind);
          this.#sender.logger.warn(
            `The outbox of ${_id} has an entry of an unknown kind: ${kind}.`,
          );
        }
        return [kind, { state: "pending", waitMs: isKnown ? 0 : leaseMs, isAttempt: false }];
      }),
    );
  }
}
