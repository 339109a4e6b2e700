import type { Buy, FinalState } from "./history.ts";

type Item = FinalState["items"][number];
/** A violation, or nothing. */
export type Sentence = string | false | undefined;

/** Violations of "one buyer". `buys` are all requests for one item. */
export function buyerViolations(itemId: string, buys: Buy[], item: Item | undefined): Sentence[] {
  const successes = buys.flatMap(({ buyerId, outcome }) =>
    outcome.type === "ok" ? [{ buyerId, saleId: outcome.saleId }] : [],
  );
  const buyers = new Set(successes.map(({ buyerId }) => buyerId));
  const saleIds = new Set(successes.map(({ saleId }) => saleId));
  const isRefused = buys.some(
    ({ outcome }) => outcome.type === "refused" && outcome.code === "ITEM_SOLD",
  );
  const [first] = successes;
  const isSold = first && item?.isSold === true;
  return [
    buyers.size > 1 && `item ${itemId} was sold to ${[...buyers].join(" and ")}`,
    saleIds.size > 1 && `item ${itemId} has the sales ${[...saleIds].join(" and ")}`,
    !item && `item ${itemId} is missing`,
    first &&
      item?.isSold === false &&
      `item ${itemId} was sold to ${first.buyerId} and is stored unsold`,
    isSold &&
      !saleIds.has(item.saleId!) &&
      `item ${itemId} was sold as ${first.saleId} and is stored as ${item.saleId}`,
    isSold &&
      !buyers.has(item.buyerId!) &&
      `item ${itemId} was sold to ${first.buyerId} and is stored as sold to ${item.buyerId}`,
    isRefused &&
      item?.isSold === false &&
      `item ${itemId} was refused as sold and is stored unsold`,
  ];
}

/** Violations of "one outcome". `buys` are one buyer's requests for one item, in the order of their responses. */
export function outcomeViolations(itemId: string, buys: Buy[], item: Item | undefined): Sentence[] {
  const { buyerId } = buys[0]!;
  const name = `the buy of item ${itemId} by ${buyerId}`;
  const definite = buys
    .map(({ outcome }) => outcome)
    .filter((outcome) => outcome.type !== "unknown");
  const outcomes = new Set(
    definite.map((outcome) => (outcome.type === "ok" ? outcome.saleId : outcome.code)),
  );
  const last = definite.at(-1);
  return [
    !last && `${name} has no definite outcome`,
    outcomes.size > 1 && `${name} has the outcomes ${[...outcomes].join(" and then ")}`,
    last?.type === "refused" &&
      last.code !== "ITEM_SOLD" &&
      `${name} was refused with ${last.code}`,
    last?.type === "refused" &&
      item?.buyerId === buyerId &&
      `${name} was refused and is stored as a sale`,
    last?.type === "ok" &&
      item?.isSold === true &&
      item.saleId !== last.saleId &&
      `${name} was answered with sale ${last.saleId}, which is not stored`,
  ];
}
