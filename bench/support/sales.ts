/** Sells items, and checks that every sale was stored and every notice delivered. */
import { setTimeout as pause } from "node:timers/promises";
import { offered } from "../../domain/offer.ts";
import type { ClosedLoop, LoadResult } from "../load/closed-loop.ts";
import { runClosedLoop } from "./closed-loop.ts";
import type { System } from "./systems.ts";

/** What a system does with a sale in addition to selling the item. */
export interface Guarantees {
  storesNotices: boolean;
  /** Whether it records in the item that the notice is pending, and later that it is delivered. */
  hasOutbox: boolean;
}

const all: Guarantees = { storesNotices: true, hasOutbox: true };

/** Items for sale, one for each request. */
export interface ItemSet {
  count: number;
  /** Request n buys the item at this path with `#` replaced by n. */
  path: string;
  sellers: string[];
}

const sellers = 20;
const buyers = 64;
/** All notices of a round must be delivered within this (ms). */
const deliveryTimeout = 120_000;

export const itemSet = (run: string, count: number, sellerCount = sellers): ItemSet => ({
  count,
  path: `/market/buy/${run}-#`,
  sellers: Array.from({ length: sellerCount }, (_, n) => `${run}-seller-${n}`),
});

/** The unsold documents, as Souk stores them. */
export const itemsOf = ({ count, path, sellers }: ItemSet) =>
  Array.from({ length: count }, (_, n) =>
    offered(
      {
        title: `Lamp ${n}`,
        description: "Brass, hammered by hand, with a wick and a little oil.",
        price: 1000 + (n % 100),
      },
      {
        id: path.split("/").at(-1)!.replace("#", String(n)),
        sellerId: sellers[n % sellers.length]!,
        currency: "EUR",
        now: new Date(),
      },
    ),
  );

export async function insertItems({ items }: System, set: ItemSet): Promise<void> {
  const documents = itemsOf(set);
  for (let at = 0; at < documents.length; at += 1000)
    await items.insertMany(documents.slice(at, at + 1000));
}

export const buyerTokens = (token: System["token"], run: string) =>
  Promise.all(Array.from({ length: buyers }, (_, n) => token(`${run}-buyer-${n}`)));

/**
 * Inserts items and sells all of them. Throws unless each item is sold, each notice stored and each outbox entry delivered. With
 * `withDevice` there is one seller with one device, and each buy waits until the device shows the notice of the last one.
 */
export async function sellAll(
  system: System,
  run: string,
  {
    withDevice = false,
    ...load
  }: Pick<ClosedLoop, "count" | "connections" | "gapMs"> & { withDevice?: boolean },
  guarantees: Guarantees = all,
): Promise<LoadResult & { untilDelivered: number }> {
  const set = itemSet(run, load.count, withDevice ? 1 : sellers);
  const device = withDevice
    ? { url: system.sockets, token: await system.token(set.sellers[0]!) }
    : undefined;
  await insertItems(system, set);
  const tokens = await buyerTokens(system.token, run);
  const { api } = system;
  const result = await runClosedLoop({
    api,
    method: "POST",
    path: set.path,
    tokens,
    device,
    ...load,
  });
  const { storesNotices, hasOutbox } = guarantees;
  if (hasOutbox || storesNotices) await allDelivered(system, set, guarantees);
  const untilDelivered = storesNotices ? (Date.now() - result.startedAt) / 1000 : result.seconds;
  await verify(system, set, guarantees);
  return { ...result, untilDelivered };
}

/** Polls with cheap queries and a pause, because their cost is part of the measurement. */
export async function allDelivered(
  { name, items, notices, outbox }: System,
  { sellers, count }: Pick<ItemSet, "sellers" | "count">,
  { hasOutbox } = all,
): Promise<void> {
  const deadline = Date.now() + deliveryTimeout;
  const isPending = async () =>
    (await items.findOne({ sellerId: { $in: sellers }, ...outbox.pending })) !== null;
  const isMissing = async () =>
    (await notices.countDocuments({ userId: { $in: sellers } })) < count;
  while (await (hasOutbox ? isPending() : isMissing())) {
    if (Date.now() > deadline)
      throw new Error(`${name} did not deliver all notices within ${deliveryTimeout / 1000} s.`);
    await pause(20);
  }
}

async function verify(
  { name, items, notices, outbox }: System,
  { sellers, count }: ItemSet,
  { storesNotices, hasOutbox }: Guarantees,
): Promise<void> {
  const expect = (state: string, found: number) => {
    if (found !== count) throw new Error(`${name}: of ${count} sales ${found} are ${state}.`);
  };
  const sold = { sellerId: { $in: sellers }, isSold: true };
  expect("sold", await items.countDocuments(sold));
  if (hasOutbox) expect("delivered", await items.countDocuments({ ...sold, ...outbox.delivered }));
  if (storesNotices)
    expect("in an inbox", await notices.countDocuments({ userId: { $in: sellers } }));
}
