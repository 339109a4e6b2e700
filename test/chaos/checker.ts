import { buyerViolations, outcomeViolations, type Sentence } from "./buy-checks.ts";
import type { FinalState, History } from "./history.ts";

/** The invariants under every fault (the protocol from sale to notice). */
export const invariants = {
  "one buyer": "an item has at most one successful buyer, and stays theirs",
  "one outcome": "a buy with an unknown outcome has one definite outcome when it is retried",
  "one notice": "every sale has exactly one notice, in its seller's inbox",
  "no stray notice": "no notice without a sale, none in another inbox",
  delivered: "every outbox entry is marked delivered in the end",
  "delivered once": "without faults an outbox entry takes one call",
  shown: "every connected device of the seller shows the notice, no other device does",
  "in time": "every request is answered by its deadline",
  available: "what does not depend on the faulty part keeps working",
} as const;
export type Invariant = keyof typeof invariants;

/** One check of an invariant. */
export interface Finding {
  invariant: Invariant;
  /** Time of the event that was checked, on the history's clock. */
  at: number;
  /** A sentence; undefined when the invariant holds. */
  violation?: string;
}

type Item = FinalState["items"][number];

/** Every request is answered within 10 s; the rest is for the machine and the client (ms). */
const deadline = 11_000;

/** Checks a history that has ended: the cluster is healthy and no request is in flight. */
export function check(history: History, state: FinalState): Finding[] {
  const sales = new Map(
    state.items.flatMap((item) => (item.isSold ? [[item.saleId!, item] as const] : [])),
  );
  const firstBuys = new Map<string, number>();
  for (const { itemId, startedAt } of history.buys)
    firstBuys.set(itemId, Math.min(startedAt, firstBuys.get(itemId) ?? Infinity));
  const soldAt = (item: Item) => firstBuys.get(item._id) ?? Infinity;
  return [
    ...checkBuys(history, state),
    ...checkDelivery(history, state, sales, soldAt),
    ...checkDevices(history, sales, soldAt),
    ...checkStrayNotices(state, sales, soldAt),
    ...checkTimes(history),
  ];
}

type Sales = Map<string, Item>;
type TimeOf = (item: Item) => number;

function finding(invariant: Invariant, at: number, ...sentences: Sentence[]): Finding {
  const violations = sentences.filter(Boolean);
  return {
    invariant,
    at,
    ...(violations.length > 0 && { violation: violations.join("; ") }),
  };
}

function* checkBuys({ buys }: History, { items }: FinalState): Generator<Finding> {
  const byId = new Map(items.map((item) => [item._id, item]));
  for (const [itemId, ofItem] of Map.groupBy(buys, (buy) => buy.itemId)) {
    const item = byId.get(itemId);
    yield finding("one buyer", ofItem[0]!.startedAt, ...buyerViolations(itemId, ofItem, item));
    for (const own of Map.groupBy(ofItem, ({ buyerId }) => buyerId).values())
      yield finding("one outcome", own[0]!.startedAt, ...outcomeViolations(itemId, own, item));
  }
}

function* checkDelivery(
  history: History,
  { notices }: FinalState,
  sales: Sales,
  soldAt: TimeOf,
): Generator<Finding> {
  const noticesOf = Map.groupBy(notices, ({ id }) => id);
  const callsOf = Map.groupBy(history.calls, ({ saleId }) => saleId);
  for (const [saleId, item] of sales) {
    const at = soldAt(item);
    const name = `sale ${saleId} of item ${item._id}`;
    const stored = noticesOf.get(saleId)?.length ?? 0;
    yield finding("one notice", at, stored !== 1 && `${name} has ${stored} notices`);
    const state = item.outbox?.entries.notice?.state ?? "missing";
    yield finding("delivered", at, state !== "delivered" && `${name} has a ${state} outbox entry`);
    if (!history.faultFree.some(({ from, to }) => from <= at && at < to)) continue;
    const calls = callsOf.get(saleId)?.length ?? 0;
    yield finding("delivered once", at, calls !== 1 && `${name} took ${calls} calls`);
  }
}

function* checkDevices({ devices }: History, sales: Sales, soldAt: TimeOf): Generator<Finding> {
  const devicesOf = Map.groupBy(devices, ({ userId }) => userId);
  const idsOf = new Map(
    devices.map((device) => [device, new Set(device.shown.map(({ noticeId }) => noticeId))]),
  );
  for (const [saleId, item] of sales)
    for (const device of devicesOf.get(item.sellerId) ?? [])
      if (device.isConnected)
        yield finding(
          "shown",
          soldAt(item),
          !idsOf.get(device)!.has(saleId) &&
            `sale ${saleId} of item ${item._id} is not shown by ${device.name}`,
        );
  for (const { name, userId, shown } of devices)
    for (const { noticeId, at } of shown)
      if (sales.get(noticeId)?.sellerId !== userId)
        yield finding(
          "shown",
          at,
          `${name} shows ${noticeId}, which is not a sale of user ${userId}`,
        );
}

function* checkStrayNotices(
  { notices }: FinalState,
  sales: Sales,
  soldAt: TimeOf,
): Generator<Finding> {
  for (const { id, userId } of notices) {
    const sale = sales.get(id);
    yield finding(
      "no stray notice",
      sale ? soldAt(sale) : 0,
      sale?.sellerId !== userId && `notice ${id} of user ${userId} does not belong to their sale`,
    );
  }
}

function* checkTimes({ buys, probes }: History): Generator<Finding> {
  const late = (name: string, { startedAt, endedAt }: { startedAt: number; endedAt: number }) =>
    endedAt - startedAt > deadline && `${name} took ${Math.round(endedAt - startedAt)} ms`;
  for (const buy of buys)
    yield finding(
      "in time",
      buy.startedAt,
      late(`the buy of item ${buy.itemId} by ${buy.buyerId}`, buy),
    );
  for (const probe of probes) {
    const { surface, startedAt, mustSucceed, failure } = probe;
    yield finding("in time", startedAt, late(surface, probe));
    if (mustSucceed)
      yield finding(
        "available",
        startedAt,
        failure !== undefined && `${surface} failed: ${failure}`,
      );
  }
}

/** The first `max` violations of each invariant. */
export function violationsOf(findings: Finding[], max = 5): Partial<Record<Invariant, string[]>> {
  const failed = Map.groupBy(
    findings.filter(({ violation }) => violation),
    ({ invariant }) => invariant,
  );
  return Object.fromEntries(
    [...failed].map(([invariant, list]) => [
      invariant,
      [
        ...list.slice(0, max).map(({ violation }) => violation!),
        ...(list.length > max ? [`… and ${list.length - max} more`] : []),
      ],
    ]),
  );
}
