import type { Meter } from "../../broker/metrics/meter.ts";
import type { DeliveryDocument } from "../../domain/delivery.ts";
import type { Store } from "../../store/store.ts";
import type { Result } from "./attempt.ts";
import { oldestFirst } from "./queue.ts";

type Kind = DeliveryDocument["kind"];

const channels: Kind[] = ["push", "mail", "webhook"];
/** Deliveries are counted at most this often (ms): a count reads up to `maxCount` documents. */
const everyMs = 10_000;
const maxCount = 10_000;
/** Due deliveries among which the oldest of each channel is looked for. */
const pageSize = 200;

/** Counts an attempt by its result. Quiet hours, and a service of Souk that is unavailable, make no attempt. */
export function countAttempt(meter: Meter, channel: Kind, result: Result): void {
  const isNone = result.state === "quiet" || (result.state === "retry" && !isAttempt(result));
  if (!isNone) meter.count("souk_deliveries_total", { channel, result: result.state });
}

const isAttempt = ({ isAttempt = true }: { isAttempt?: boolean }) => isAttempt;

/** Shows what waits in the node's metrics. Nodes of the service show the same. */
export function measureDeliveries(store: Store<DeliveryDocument>, meter: Meter): void {
  if (!meter.isOn) return;
  for (const channel of channels)
    for (const result of ["delivered", "retry", "gone", "refused", "dropped"])
      meter.begin("souk_deliveries_total", { channel, result });
  let measuredAt = -Infinity;
  meter.collect(async () => {
    if (performance.now() - measuredAt < everyMs) return;
    measuredAt = performance.now();
    try {
      await measure(store, meter);
    } catch {
      // Of an unavailable database nothing is known; souk_database_available says so.
      meter.clear("souk_deliveries_pending");
      meter.clear("souk_deliveries_oldest_due_seconds");
    }
  });
}

async function measure(store: Store<DeliveryDocument>, meter: Meter): Promise<void> {
  const now = store.now();
  const [due, ...counts] = await Promise.all([
    store.find({ dueAt: { $lte: now.toISOString() } }, { sort: oldestFirst, limit: pageSize }),
    ...channels.map((channel) => store.count(unfinished(channel), maxCount)),
  ]);
  channels.forEach((channel, n) => {
    const oldest = due.find(({ kind }) => kind === channel)?.dueAt;
    const age = oldest ? now.getTime() - Date.parse(oldest) : 0;
    meter.set("souk_deliveries_pending", counts[n]!, { channel });
    meter.set("souk_deliveries_oldest_due_seconds", age / 1000, { channel });
  });
}

/** By the index of lanes, whose names are the channel's, or begin with it and a point: "/" is the next character. */
const unfinished = (channel: Kind) => ({
  lane: { $gte: channel, $lt: `${channel}/` },
  dueAt: { $gt: "" },
});
