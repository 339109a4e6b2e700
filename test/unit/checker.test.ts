import { check, faultsOf, type Invariant, type Remains } from "../chaos/checker.ts";
import { newHistory, type Buy, type History, type Outcome } from "../chaos/history.ts";

const ok = (saleId: string): Outcome => ({ is: "ok", saleId });
const soldOut: Outcome = { is: "refused", code: "ITEM_SOLD" };
const unknown: Outcome = { is: "unknown", why: "TIMEOUT" };
const buy = (buyerId: string, itemId: string, outcome: Outcome, begun = 10): Buy => ({
  buyerId,
  itemId,
  begun,
  ended: begun + 5,
  outcome,
});

/** Two items of Sara: the lamp went to Ben at his second try, with Bea too late; the rug to Bea. She has two devices, and a neighbour one. */
function clean(): { history: History; remains: Remains } {
  const screen = (name: string, userId: string, ...ids: string[]) => ({
    name,
    userId,
    shown: ids.map((noticeId) => ({ noticeId, at: 20, how: "push" as const })),
    isConnected: true,
  });
  const sold = (_id: string, buyerId: string, saleId: string) => {
    return {
      _id,
      sellerId: "sara",
      isSold: true,
      buyerId,
      saleId,
      notice: { state: "told" as const, attempts: 0 },
    };
  };
  return {
    history: {
      ...newHistory(),
      buys: [
        buy("ben", "lamp", unknown),
        buy("bea", "lamp", soldOut, 11),
        buy("ben", "lamp", ok("sale-1"), 20),
        buy("ben", "lamp", ok("sale-1"), 30),
        buy("bea", "rug", ok("sale-2")),
      ],
      probes: [
        { what: "browse", begun: 1, ended: 2, mustWork: true },
        { what: "profile", begun: 1, ended: 2, mustWork: false, failure: "503" },
      ],
      screens: [
        screen("phone", "sara", "sale-1", "sale-2", "sale-1"),
        screen("laptop", "sara", "sale-2", "sale-1"),
        screen("tv", "nils"),
      ],
      calls: [
        { saleId: "sale-1", at: 15 },
        { saleId: "sale-2", at: 15 },
      ],
      calm: [{ from: 0, to: 100 }],
    },
    remains: {
      items: [
        sold("lamp", "ben", "sale-1"),
        sold("rug", "bea", "sale-2"),
        { _id: "vase", sellerId: "sara", isSold: false },
      ],
      notices: [
        { _id: "sara.sale-1", id: "sale-1", userId: "sara" },
        { _id: "sara.sale-2", id: "sale-2", userId: "sara" },
      ],
    },
  };
}

type Forged = ReturnType<typeof clean>;
const lampOf = ({ remains }: Forged) => remains.items[0]!;

const forgeries: [Invariant, string, (forged: Forged) => void][] = [
  [
    "one buyer",
    "has two buyers",
    ({ history }) => history.buys.push(buy("bea", "lamp", ok("sale-1"), 40)),
  ],
  [
    "one buyer",
    "has two sales",
    ({ history }) => history.buys.push(buy("ben", "lamp", ok("sale-9"), 40)),
  ],
  ["one buyer", "was sold and is not", (forged) => (lampOf(forged).isSold = false)],
  ["one buyer", "was sold to one and is another's", (forged) => (lampOf(forged).buyerId = "bea")],
  [
    "one buyer",
    "was refused as sold and is not",
    ({ history }) => history.buys.push(buy("ben", "vase", soldOut)),
  ],
  ["one buyer", "is gone", ({ remains }) => remains.items.shift()],
  ["one outcome", "stays unknown", ({ history }) => history.buys.push(buy("bob", "rug", unknown))],
  [
    "one outcome",
    "is refused after it was sold",
    ({ history }) => history.buys.push(buy("ben", "lamp", soldOut, 40)),
  ],
  [
    "one outcome",
    "is refused and yet sold",
    ({ history }) => history.buys.splice(4, 1, buy("bea", "rug", soldOut)),
  ],
  [
    "one outcome",
    "is another refusal than sold",
    ({ history }) => history.buys.push(buy("bob", "vase", { is: "refused", code: "BAD_DATA" })),
  ],
  ["one notice", "is missing", ({ remains }) => remains.notices.pop()],
  [
    "one notice",
    "is there twice",
    ({ remains }) => remains.notices.push({ _id: "sara.x", id: "sale-1", userId: "sara" }),
  ],
  [
    "no stray notice",
    "is in another inbox",
    ({ remains }) => (remains.notices[0]!.userId = "nils"),
  ],
  [
    "no stray notice",
    "has no sale",
    ({ remains }) => remains.notices.push({ _id: "sara.x", id: "x", userId: "sara" }),
  ],
  [
    "debt told",
    "is pending",
    (forged) => (lampOf(forged).notice = { state: "pending", attempts: 3 }),
  ],
  ["debt told", "was never written", (forged) => delete lampOf(forged).notice],
  [
    "told once",
    "took two calls",
    ({ history }) => history.calls.push({ saleId: "sale-1", at: 30 }),
  ],
  ["told once", "took none", ({ history }) => history.calls.pop()],
  ["shown", "is missing on one device", ({ history }) => history.screens[1]!.shown.pop()],
  [
    "shown",
    "is on a stranger's device",
    ({ history }) => history.screens[2]!.shown.push({ noticeId: "sale-1", at: 20, how: "push" }),
  ],
  ["in time", "has a buy that waits too long", ({ history }) => (history.buys[4]!.ended += 20_000)],
  [
    "in time",
    "has a look that waits too long",
    ({ history }) => (history.probes[1]!.ended += 20_000),
  ],
  [
    "goes on",
    "has something fail that must work",
    ({ history }) => (history.probes[0]!.failure = "503 UNAVAILABLE"),
  ],
];

describe("the checker of histories", () => {
  it("finds nothing wrong with one that is well, and has looked at every invariant", () => {
    const { history, remains } = clean();
    const findings = check(history, remains);
    expect(faultsOf(findings)).toEqual({});
    expect(new Set(findings.map(({ invariant }) => invariant))).toEqual(
      new Set(forgeries.map(([invariant]) => invariant)),
    );
  });

  it.each(forgeries)("flags under '%s' what %s", (invariant, _what, forge) => {
    const forged = clean();
    forge(forged);
    expect(Object.keys(faultsOf(check(forged.history, forged.remains)))).toContain(invariant);
  });

  it("does not ask a device to show anything that is away in the end", () => {
    const { history, remains } = clean();
    Object.assign(history.screens[1]!, { shown: [], isConnected: false });
    expect(faultsOf(check(history, remains))).toEqual({});
  });

  it("does not count calls outside calm weather", () => {
    const { history, remains } = clean();
    history.calm = [{ from: 100, to: 200 }];
    history.calls.push({ saleId: "sale-1", at: 30 });
    expect(faultsOf(check(history, remains))).toEqual({});
  });
});
