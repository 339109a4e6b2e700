/** Items to sell, and whether all that was sold was also told. */
import { setTimeout as pause } from "node:timers/promises";
import { offered } from "../../domain/offer.ts";
import type { Load, Order } from "../load.ts";
import type { Contestant } from "./contestants.ts";
import { load } from "./generator.ts";

/** What a contestant does about a sale, beside selling. */
export interface Promises {
  stores: boolean;
  owes: boolean;
}

const all: Promises = { stores: true, owes: true };

export interface Stock {
  count: number;
  /** Request n buys the item at this path with `#` replaced by n. */
  path: string;
  sellers: string[];
}

/** How many sell what there is; and how many buy, in turn. */
const sellers = 20;
const buyers = 64;
/** All notices of a round come within this (ms). */
const longestWait = 120_000;

export const stockOf = (run: string, count: number, sellerCount = sellers): Stock => ({
  count,
  path: `/market/buy/${run}-#`,
  sellers: Array.from({ length: sellerCount }, (_, n) => `${run}-seller-${n}`),
});

/** The documents, as Souk stores them: nobody has bought them yet. */
export const itemsOf = ({ count, path, sellers }: Stock) =>
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

export async function stock({ items }: Contestant, stock: Stock): Promise<void> {
  const documents = itemsOf(stock);
  for (let at = 0; at < documents.length; at += 1000)
    await items.insertMany(documents.slice(at, at + 1000));
}

export const buyersOf = (token: Contestant["token"], run: string) =>
  Promise.all(Array.from({ length: buyers }, (_, n) => token(`${run}-buyer-${n}`)));

/**
 * Sells all of a fresh stock; throws unless each item is sold, each notice stored and each debt told. With `isShown` one seller's device
 * is shown each notice, before the next is bought.
 */
export async function sellAll(
  contestant: Contestant,
  run: string,
  {
    isShown = false,
    ...order
  }: Pick<Order, "count" | "connections" | "gap"> & { isShown?: boolean },
  promises: Promises = all,
): Promise<Load & { untilTold: number }> {
  const wares = stockOf(run, order.count, isShown ? 1 : sellers);
  const device = isShown
    ? { url: contestant.sockets, token: await contestant.token(wares.sellers[0]!) }
    : undefined;
  await stock(contestant, wares);
  const tokens = await buyersOf(contestant.token, run);
  const done = await load({
    api: contestant.api,
    method: "POST",
    path: wares.path,
    tokens,
    device,
    ...order,
  });
  if (promises.owes || promises.stores) await allTold(contestant, wares, promises);
  const untilTold = promises.stores ? (Date.now() - done.begun) / 1000 : done.seconds;
  await verify(contestant, wares, promises);
  return { ...done, untilTold };
}

/** Asks the database as seldom and as little as will do: the answer is part of what is measured. */
export async function allTold(
  { who, items, notices }: Contestant,
  { sellers, count }: Pick<Stock, "sellers" | "count">,
  { owes } = all,
): Promise<void> {
  const until = Date.now() + longestWait;
  const isOwing = async () =>
    (await items.findOne({ sellerId: { $in: sellers }, "notice.dueAt": { $gt: "" } })) !== null;
  const isMissing = async () =>
    (await notices.countDocuments({ userId: { $in: sellers } })) < count;
  while (await (owes ? isOwing() : isMissing())) {
    if (Date.now() > until)
      throw new Error(`${who} has not told all sellers within ${longestWait / 1000} s.`);
    await pause(20);
  }
}

async function verify(
  { who, items, notices }: Contestant,
  { sellers, count }: Stock,
  { stores, owes }: Promises,
): Promise<void> {
  const expect = (what: string, found: number) => {
    if (found !== count) throw new Error(`${who}: of ${count} sales ${found} are ${what}.`);
  };
  const sold = { sellerId: { $in: sellers }, isSold: true };
  expect("sold", await items.countDocuments(sold));
  if (owes) expect("told", await items.countDocuments({ ...sold, "notice.state": "told" }));
  if (stores) expect("in an inbox", await notices.countDocuments({ userId: { $in: sellers } }));
}
