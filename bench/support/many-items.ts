/** A market of a million items, made once per run and copied for each row that needs it. */
import { afterDelivery, newOutbox } from "../../domain/outbox.ts";
import type { ItemDocument } from "../../domain/item.ts";
import { sold } from "../../domain/sale.ts";
import { temporaryFolder } from "../../bin/processes/node-process.ts";
import { forSale, ids } from "./data-set.ts";
import { copyItems, fillItems } from "./files.ts";
import { itemsOf, itemSet } from "./sales.ts";

/** MANY_ITEMS replaces the million for a trial. */
export const manyItems = Number(process.env.MANY_ITEMS) || 1_000_000;
/** For the report: empty with a million. */
export const sizeNote =
  manyItems === 1_000_000
    ? []
    : [`Measured with MANY_ITEMS=${manyItems}; the default is a million.`];

/** A seller of ten items in a data set of any size. */
export const seller = "seller-of-ten";

/** Items that are for sale in addition, one set for each round. */
export const buysOf = (round: number) => itemSet(`round-${round}`, 200);
const rounds = 6;

/** A tenth of the items is sold, ten are of each seller, and some are there to be bought. */
export function* marketOf(count: number): Generator<ItemDocument> {
  const sellers = [seller, ...ids(count / 10 - 1)];
  const [buyer] = ids(1);
  let n = 0;
  for (const item of forSale(count, sellers)) yield n++ % 10 === 9 ? soldItem(item, buyer!) : item;
  for (let round = 0; round < rounds; round++) yield* itemsOf(buysOf(round));
}

function soldItem(item: ItemDocument, buyer: string): ItemDocument {
  const at = new Date(item.createdAt);
  const outbox = afterDelivery(newOutbox({ notice: at }), { notice: { state: "delivered" } }, at);
  // The sale's id: any that no other sale has.
  return { ...item, ...sold(buyer, item._id, at, outbox).$set };
}

let made: string | undefined;

/** Puts the items into a folder. */
export function copyManyItems(folder: string): void {
  if (!made) {
    const { path, remove } = temporaryFolder();
    process.once("exit", remove);
    fillItems(path, marketOf(manyItems));
    made = path;
  }
  copyItems(made, folder);
}
