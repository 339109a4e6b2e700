/** Replays histories as behaviours of the model: TLC judges by proof/Sale.tla what the cluster did (docs/proof.md). */
import { modules, runTlc } from "../../bin/prove/tlc.ts";
import type { FinalState, History } from "./history.ts";

/** What was observed from outside, of one item, in this order. Buyers and sales have short names: equal traces are judged once. */
type Event =
  | { type: "ask"; buyer: string }
  | { type: "ok"; buyer: string; sale: string }
  | { type: "ITEM_SOLD"; buyer: string }
  | { type: "call" | "resend" | "shown"; sale: string }
  | { type: "end"; buyer: string; sale: string; entry: string; notices: number };

export interface Trace {
  itemId: string;
  events: Event[];
}

type Timed = Event & { at: number };
type Item = FinalState["items"][number];

/** Names in the order of their first use: b1, b2, … */
function namesOf(prefix: string): (id: string | undefined) => string {
  const names = new Map<string, string>();
  return (id) => {
    if (id === undefined) return "none";
    if (!names.has(id)) names.set(id, `${prefix}${names.size + 1}`);
    return names.get(id)!;
  };
}

/** The trace of every item. */
export function tracesOf(history: History, { items, notices }: FinalState): Trace[] {
  const buysOf = Map.groupBy(history.buys, ({ itemId }) => itemId);
  const callsOf = Map.groupBy(history.calls, ({ saleId }) => saleId);
  const resentOf = Map.groupBy(history.resent, ({ saleId }) => saleId);
  const shownOf = Map.groupBy(
    history.devices.flatMap(({ shown }) => shown),
    ({ noticeId }) => noticeId,
  );
  const storedOf = Map.groupBy(notices, ({ id }) => id);
  return items.map((item) => {
    const buys = buysOf.get(item._id) ?? [];
    const sales = new Set([
      ...(item.saleId ? [item.saleId] : []),
      ...buys.flatMap(({ outcome }) => (outcome.type === "ok" ? [outcome.saleId] : [])),
    ]);
    const of = <T extends { at: number }>(
      type: "call" | "resend" | "shown",
      by: Map<string, T[]>,
    ) =>
      [...sales].flatMap((sale) =>
        (by.get(sale) ?? []).map(({ at }): Timed => ({ type, sale, at })),
      );
    const events = [
      ...buys.flatMap(eventsOf),
      ...of("call", callsOf),
      ...of("resend", resentOf),
      ...of("shown", shownOf),
    ].toSorted((a, b) => a.at - b.at);
    const stored = item.saleId ? (storedOf.get(item.saleId)?.length ?? 0) : 0;
    return { itemId: item._id, events: renamed([...events, endOf(item, stored)]) };
  });
}

function eventsOf({
  buyerId: buyer,
  startedAt,
  endedAt,
  outcome,
}: History["buys"][number]): Timed[] {
  const asked: Timed = { type: "ask", buyer, at: startedAt };
  if (outcome.type === "ok")
    return [asked, { type: "ok", buyer, sale: outcome.saleId, at: endedAt }];
  const isSold = outcome.type === "refused" && outcome.code === "ITEM_SOLD";
  return isSold ? [asked, { type: "ITEM_SOLD", buyer, at: endedAt }] : [asked];
}

const endOf = ({ buyerId, saleId, outbox }: Item, notices: number): Timed => ({
  type: "end",
  buyer: buyerId ?? "none",
  sale: saleId ?? "none",
  entry: outbox?.entries.notice?.state ?? "missing",
  notices,
  at: Infinity,
});

function renamed(events: Timed[]): Event[] {
  const [buyerOf, saleOf] = [namesOf("b"), namesOf("s")];
  const unlessNone = (id: string, nameOf: (id: string) => string) =>
    id === "none" ? id : nameOf(id);
  return events.map(({ at: _, ...event }) => ({
    ...event,
    ...("buyer" in event && { buyer: unlessNone(event.buyer, buyerOf) }),
    ...("sale" in event && { sale: unlessNone(event.sale, saleOf) }),
  }));
}

const inTla = (event: Event) =>
  `[${Object.entries(event)
    .map(([key, value]) => `${key} |-> ${typeof value === "number" ? value : `"${value}"`}`)
    .join(", ")}]`;

/** One trace of each set of equal ones. */
export const distinct = (traces: Trace[]): Trace[] =>
  [...Map.groupBy(traces, ({ events }) => JSON.stringify(events)).values()].map(
    ([first]) => first!,
  );

/** The first event of each trace that the model forbids, as a sentence. None when all traces conform. */
export async function violationsOfModel(traces: Trace[]): Promise<string[]> {
  const different = distinct(traces);
  if (different.length === 0) return [];
  const explained = await explain(different);
  return different.flatMap(({ itemId, events }, n) => {
    const count = explained[n]!;
    if (count === events.length) return [];
    const before = events.slice(0, count).map(inTla).join(", ");
    return [
      `The model forbids event ${count + 1} of item ${itemId}, ${inTla(events[count]!)}, after ${before || "nothing"}.`,
    ];
  });
}

/** How many events of each trace the model explains. */
async function explain(traces: Trace[]): Promise<number[]> {
  const named = (key: "buyer" | "sale") =>
    new Set(
      traces.flatMap(({ events }) =>
        events.flatMap((event) => (key in event ? [(event as Record<string, unknown>)[key]] : [])),
      ),
    );
  const setOf = (key: "buyer" | "sale", least: string) =>
    `{${[...named(key).add(least)]
      .filter((name) => name !== "none")
      .map((name) => `"${name}"`)
      .join(", ")}}`;
  const list = traces.map(({ events }) => `<<${events.map(inTla).join(",\n  ")}>>`);
  const module = `---- MODULE Recorded ----\nEXTENDS SaleTrace\nRecordedTraces == <<\n${list.join(",\n")}>>\n====\n`;
  const { output, error } = await runTlc(
    {
      module: "Recorded",
      specification: "TraceSpec",
      constants: {
        ...{ Docs: "{item}", Item: "item", Kinds: '{"notice"}', Workers: "{market, relay}" },
        ...{ Market: "market", RelayNode: "relay", Nobody: "Nobody", Ended: "Ended" },
        ...{ NoBuyer: "NoBuyer", LeasesHold: "FALSE", MaxFaults: "0", Traces: "<- RecordedTraces" },
        ...{ Buyers: setOf("buyer", "b1"), SaleIds: setOf("sale", "s1") },
      },
    },
    { ...modules(), Recorded: module },
  );
  if (error) throw new Error(`TLC could not judge the history: ${output.slice(0, 5000)}`);
  const explained = traces.map(() => 0);
  for (const [, trace, taken] of output.matchAll(/<<"explained", (\d+), (\d+)>>/g))
    explained[Number(trace) - 1] = Math.max(explained[Number(trace) - 1]!, Number(taken));
  return explained;
}
