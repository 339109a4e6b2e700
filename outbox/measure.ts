import { meterOf } from "../broker/metrics/meter.ts";
import { inState, pending, refused, type Owner } from "../domain/outbox.ts";
import type { Store } from "../store/store.ts";
import type { Kind } from "./kind.ts";
import type { Sender } from "./receiver.ts";

/** Entries are counted at most this often (ms): a count reads up to `maxCount` documents. */
const everyMs = 10_000;
const maxCount = 10_000;
/** The documents with the earliest due times, among which the oldest message is looked for: one that failed is due again later. */
const oldest = { sort: { "outbox.dueAt": 1, _id: 1 }, limit: 100 } as const;

/** Shows the backlog of a service's outboxes in the node's metrics. Nodes of one service show the same. */
export function measureOutbox<Doc extends Owner>(
  { broker, name: service }: Sender,
  store: Store<Doc>,
  kinds: Record<string, Kind<Doc>>,
): void {
  const meter = meterOf(broker);
  const labelsOf = ({ action }: Kind<Doc>) => ({ service, action });
  const measure = async ([name, kind]: [string, Kind<Doc>]) => {
    const waiting = { ...pending, ...inState(name, "pending") };
    const [count, dead, found] = await Promise.all([
      store.count(waiting, maxCount),
      store.count({ ...refused, ...inState(name, "refused") }, maxCount),
      store.find(waiting, oldest),
    ]);
    const labels = labelsOf(kind);
    meter.set("souk_outbox_pending", count, labels);
    meter.set("souk_outbox_dead_letters", dead, labels);
    const ages = found.map((document) => ageOf(document, name, kind, store.now()));
    meter.set("souk_outbox_oldest_due_seconds", Math.max(0, ...ages) / 1000, labels);
  };
  for (const kind of Object.values(kinds))
    for (const outcome of ["delivered", "cancelled", "pending", "refused"])
      meter.begin("souk_outbox_outcomes_total", { ...labelsOf(kind), outcome });
  let measuredAt = -Infinity;
  meter.collect(async () => {
    if (performance.now() - measuredAt < everyMs) return;
    measuredAt = performance.now();
    try {
      await Promise.all(Object.entries(kinds).map(measure));
    } catch {
      // Of an unavailable database nothing is known; souk_database_available says so.
      meter.clear("souk_outbox_pending");
      meter.clear("souk_outbox_dead_letters");
      meter.clear("souk_outbox_oldest_due_seconds");
    }
  });
}

/** For how long a message has been due (ms). An entry that failed has a later due time than at first. */
function ageOf<Doc extends Owner>(document: Doc, name: string, kind: Kind<Doc>, now: Date): number {
  const { attempts = 0, dueAt = "" } = document.outbox?.entries[name] ?? {};
  const since = (attempts > 0 && kind.since?.(document)) || dueAt;
  return now.getTime() - Date.parse(since);
}
