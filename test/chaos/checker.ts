import type { ItemDocument } from "../../domain/item.ts";
import type { NoticeDocument } from "../../domain/notice.ts";
import type { Buy, History } from "./history.ts";

/** What must hold whatever died (design: "From sale to notice", invariants). */
export const invariants = {
  "one buyer": "an item has at most one successful buyer, and stays theirs",
  "one outcome": "a buy whose outcome was unknown has one definite outcome when asked again",
  "one notice": "every sale has exactly one notice, in its seller's inbox",
  "no stray notice": "no notice without a sale, none in another inbox",
  "debt told": "every debt is marked told in the end",
  "told once": "in calm weather a debt takes one call",
  shown: "every connected device of the seller shows it, no other does",
  "in time": "every request is answered by its deadline",
  "goes on": "what does not depend on the dead part goes on",
} as const;
export type Invariant = keyof typeof invariants;

/** One thing that was looked at; `fault` says what is wrong with it, if anything. */
export interface Finding {
  invariant: Invariant;
  /** When it happened, on the history's clock. */
  at: number;
  fault?: string;
}

/** What the databases hold in the end. */
export interface Remains {
  items: Pick<ItemDocument, "_id" | "sellerId" | "isSold" | "buyerId" | "saleId" | "notice">[];
  notices: Pick<NoticeDocument, "_id" | "id" | "userId">[];
}

/** Every request is answered within 10 s; the rest is what the machine and the client take. */
const deadline = 11_000;

/** Judges a history that has come to rest: everything runs again, and nobody is still asking. */
export function check(history: History, { items, notices }: Remains): Finding[] {
  const byItem = Map.groupBy(history.buys, ({ itemId }) => itemId);
  const sales = new Map(
    items.flatMap((item) => (item.isSold ? [[item.saleId!, item] as const] : [])),
  );
  const firstAsked = (itemId: string) =>
    Math.min(...(byItem.get(itemId) ?? []).map(({ begun }) => begun));
  const noticesOf = Map.groupBy(notices, ({ id }) => id);
  const callsOf = Map.groupBy(history.calls, ({ saleId }) => saleId);
  const screensOf = Map.groupBy(history.screens, ({ userId }) => userId);
  const seen = new Map(
    history.screens.map((screen) => [
      screen,
      new Set(screen.shown.map(({ noticeId }) => noticeId)),
    ]),
  );
  const findings: Finding[] = [];
  const note = (invariant: Invariant, at: number, ...faults: (string | false | undefined)[]) => {
    const found = faults.filter(Boolean);
    findings.push({ invariant, at, ...(found.length > 0 && { fault: found.join("; ") }) });
  };

  const known = new Map(items.map((item) => [item._id, item]));
  for (const [itemId, buys] of byItem) {
    note("one buyer", buys[0]!.begun, ...buyersOf(itemId, buys, known.get(itemId)));
    for (const own of Map.groupBy(buys, ({ buyerId }) => buyerId).values())
      note("one outcome", own[0]!.begun, ...outcomeOf(itemId, own, known.get(itemId)));
  }

  for (const [saleId, item] of sales) {
    const at = firstAsked(item._id);
    const told = noticesOf.get(saleId) ?? [];
    const name = `sale ${saleId} of item ${item._id}`;
    note("one notice", at, told.length !== 1 && `${name} has ${told.length} notices`);
    note(
      "debt told",
      at,
      item.notice?.state !== "told" &&
        `${name} owes a notice that is ${item.notice?.state ?? "not written down"}`,
    );
    if (history.calm.some(({ from, to }) => from <= at && at < to)) {
      const calls = callsOf.get(saleId)?.length ?? 0;
      note("told once", at, calls !== 1 && `${name} took ${calls} calls in calm weather`);
    }
    for (const screen of screensOf.get(item.sellerId) ?? [])
      if (screen.isConnected)
        note(
          "shown",
          at,
          !seen.get(screen)!.has(saleId) && `${name} is not shown by ${screen.name}`,
        );
  }
  for (const notice of notices) {
    const sale = sales.get(notice.id);
    const isStray = sale?.sellerId !== notice.userId;
    note(
      "no stray notice",
      sale ? firstAsked(sale._id) : 0,
      isStray && `notice ${notice.id} of ${notice.userId} is not of a sale of theirs`,
    );
  }
  for (const { name, userId, shown } of history.screens)
    for (const { noticeId, at } of shown) {
      const isStrange = sales.get(noticeId)?.sellerId !== userId;
      if (isStrange)
        note("shown", at, `${name} shows ${noticeId}, which is not of a sale of ${userId}`);
    }

  for (const { begun, ended, itemId, buyerId } of history.buys)
    note(
      "in time",
      begun,
      ended - begun > deadline &&
        `${buyerId} waited ${Math.round(ended - begun)} ms for item ${itemId}`,
    );
  for (const { what, begun, ended, mustWork, failure } of history.probes) {
    note(
      "in time",
      begun,
      ended - begun > deadline && `${what} took ${Math.round(ended - begun)} ms`,
    );
    if (mustWork) note("goes on", begun, failure !== undefined && `${what} failed: ${failure}`);
  }
  return findings;
}

type Item = Remains["items"][number] | undefined;

function buyersOf(itemId: string, buys: Buy[], item: Item): (string | false)[] {
  const won = buys.flatMap(({ buyerId, outcome }) =>
    outcome.is === "ok" ? [{ buyerId, saleId: outcome.saleId }] : [],
  );
  const buyers = new Set(won.map(({ buyerId }) => buyerId));
  const saleIds = new Set(won.map(({ saleId }) => saleId));
  const isRefused = buys.some(
    ({ outcome }) => outcome.is === "refused" && outcome.code === "ITEM_SOLD",
  );
  return [
    buyers.size > 1 && `item ${itemId} was sold to ${[...buyers].join(" and ")}`,
    saleIds.size > 1 && `item ${itemId} has the sales ${[...saleIds].join(" and ")}`,
    !item && `item ${itemId} is gone`,
    won.length > 0 &&
      item?.isSold === false &&
      `item ${itemId} was sold to ${won[0]!.buyerId} and is unsold`,
    won.length > 0 &&
      item?.isSold === true &&
      !saleIds.has(item.saleId!) &&
      `item ${itemId} was sold as ${won[0]!.saleId} and is ${item.saleId}`,
    won.length > 0 &&
      item?.isSold === true &&
      !buyers.has(item.buyerId!) &&
      `item ${itemId} was sold to ${won[0]!.buyerId} and is ${item.buyerId}'s`,
    isRefused && item?.isSold === false && `item ${itemId} was refused as sold and is unsold`,
  ];
}

/** Of one buyer's requests for one item, in the order of their answers. */
function outcomeOf(itemId: string, buys: Buy[], item: Item): (string | false)[] {
  const who = `${buys[0]!.buyerId}, asking for item ${itemId},`;
  const definite = buys.map(({ outcome }) => outcome).filter(({ is }) => is !== "unknown");
  const said = new Set(
    definite.map((outcome) =>
      outcome.is === "ok" ? outcome.saleId : (outcome as { code: string }).code,
    ),
  );
  const last = definite.at(-1);
  return [
    !last && `${who} never learnt what came of it`,
    said.size > 1 && `${who} was told ${[...said].join(" and then ")}`,
    last?.is === "refused" && last.code !== "ITEM_SOLD" && `${who} was refused with ${last.code}`,
    last?.is === "refused" &&
      item?.buyerId === buys[0]!.buyerId &&
      `${who} was refused and has bought it`,
    last?.is === "ok" &&
      item?.isSold === true &&
      item.saleId !== last.saleId &&
      `${who} was told of sale ${last.saleId}, which is not`,
  ];
}

/** The sentences of all that is wrong, by invariant, the first few of each. */
export function faultsOf(findings: Finding[], most = 5): Partial<Record<Invariant, string[]>> {
  const wrong = Map.groupBy(
    findings.filter(({ fault }) => fault),
    ({ invariant }) => invariant,
  );
  return Object.fromEntries(
    [...wrong].map(([invariant, list]) => [
      invariant,
      [
        ...list.slice(0, most).map(({ fault }) => fault!),
        ...(list.length > most ? [`… and ${list.length - most} more`] : []),
      ],
    ]),
  );
}
