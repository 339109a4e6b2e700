import { check, invariants, violationsOf, type Invariant } from "../chaos/checker.ts";
import {
  newHistory,
  type Buy,
  type FinalState,
  type History,
  type Outcome,
} from "../chaos/history.ts";

const ok = (saleId: string): Outcome => ({ type: "ok", saleId });
const soldOut: Outcome = { type: "refused", code: "ITEM_SOLD" };
const unknown: Outcome = { type: "unknown", reason: "TIMEOUT" };
const buy = (buyerId: string, itemId: string, outcome: Outcome, startedAt = 10): Buy => ({
  buyerId,
  itemId,
  startedAt,
  endedAt: startedAt + 5,
  outcome,
});

/** A correct history. Sara sells two items: the lamp to Ben at his second try, with Bea too late, and the rug to Bea. She has two devices, Nils one. */
function correct(): { history: History; state: FinalState } {
  const device = (name: string, userId: string, ...ids: string[]) => ({
    name,
    userId,
    shown: ids.map((noticeId) => ({ noticeId, at: 20, from: "push" as const })),
    isConnected: true,
  });
  const sold = (_id: string, buyerId: string, saleId: string) => {
    return {
      _id,
      sellerId: "sara",
      isSold: true,
      buyerId,
      saleId,
      outbox: { version: 1, entries: { notice: { state: "delivered" as const, attempts: 0 } } },
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
        { surface: "browse", startedAt: 1, endedAt: 2, mustSucceed: true },
        { surface: "profile", startedAt: 1, endedAt: 2, mustSucceed: false, failure: "503" },
      ],
      devices: [
        device("phone", "sara", "sale-1", "sale-2", "sale-1"),
        device("laptop", "sara", "sale-2", "sale-1"),
        device("tv", "nils"),
      ],
      calls: [
        { saleId: "sale-1", at: 15 },
        { saleId: "sale-2", at: 15 },
      ],
      faultFree: [{ from: 0, to: 100 }],
    },
    state: {
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

type Run = ReturnType<typeof correct>;
const lampOf = ({ state }: Run) => state.items[0]!;

/** Each breaks the correct run in one way. */
const defects: [Invariant, string, (run: Run) => void][] = [
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
  ["one buyer", "was sold and is stored unsold", (run) => (lampOf(run).isSold = false)],
  [
    "one buyer",
    "was sold to one buyer and is stored with another",
    (run) => (lampOf(run).buyerId = "bea"),
  ],
  [
    "one buyer",
    "was refused as sold and is stored unsold",
    ({ history }) => history.buys.push(buy("ben", "vase", soldOut)),
  ],
  ["one buyer", "is missing", ({ state }) => state.items.shift()],
  ["one outcome", "stays unknown", ({ history }) => history.buys.push(buy("bob", "rug", unknown))],
  [
    "one outcome",
    "is refused after it was sold",
    ({ history }) => history.buys.push(buy("ben", "lamp", soldOut, 40)),
  ],
  [
    "one outcome",
    "is refused and stored as a sale",
    ({ history }) => history.buys.splice(4, 1, buy("bea", "rug", soldOut)),
  ],
  [
    "one outcome",
    "is refused with a code other than ITEM_SOLD",
    ({ history }) => history.buys.push(buy("bob", "vase", { type: "refused", code: "BAD_DATA" })),
  ],
  ["one notice", "is missing", ({ state }) => state.notices.pop()],
  [
    "one notice",
    "is stored twice",
    ({ state }) => state.notices.push({ _id: "sara.x", id: "sale-1", userId: "sara" }),
  ],
  ["no stray notice", "is in another inbox", ({ state }) => (state.notices[0]!.userId = "nils")],
  [
    "no stray notice",
    "has no sale",
    ({ state }) => state.notices.push({ _id: "sara.x", id: "x", userId: "sara" }),
  ],
  [
    "delivered",
    "is pending",
    (run) => (lampOf(run).outbox!.entries.notice = { state: "pending", attempts: 3 }),
  ],
  ["delivered", "is missing", (run) => delete lampOf(run).outbox],
  [
    "delivered once",
    "took two calls",
    ({ history }) => history.calls.push({ saleId: "sale-1", at: 30 }),
  ],
  ["delivered once", "took no call", ({ history }) => history.calls.pop()],
  ["shown", "is missing on one device", ({ history }) => history.devices[1]!.shown.pop()],
  [
    "shown",
    "is shown by a device of another user",
    ({ history }) => history.devices[2]!.shown.push({ noticeId: "sale-1", at: 20, from: "push" }),
  ],
  ["in time", "has a slow buy", ({ history }) => (history.buys[4]!.endedAt += 20_000)],
  ["in time", "has a slow probe", ({ history }) => (history.probes[1]!.endedAt += 20_000)],
  [
    "available",
    "has a failure of what must work",
    ({ history }) => (history.probes[0]!.failure = "503 UNAVAILABLE"),
  ],
];

const violated = ({ history, state }: Run) => violationsOf(check(history, state));

describe("the checker of histories", () => {
  it("finds no violation in a correct history, and checks every invariant", () => {
    const run = correct();
    const findings = check(run.history, run.state);
    expect(violationsOf(findings)).toEqual({});
    expect(new Set(findings.map(({ invariant }) => invariant))).toEqual(
      new Set(Object.keys(invariants)),
    );
    expect(new Set(defects.map(([invariant]) => invariant))).toEqual(
      new Set(Object.keys(invariants)),
    );
  });

  it.each(defects)("reports under '%s' what %s", (invariant, _what, breakIt) => {
    const run = correct();
    breakIt(run);
    expect(Object.keys(violated(run))).toContain(invariant);
  });

  it("requires nothing of a device that is disconnected at the end", () => {
    const run = correct();
    Object.assign(run.history.devices[1]!, { shown: [], isConnected: false });
    expect(violated(run)).toEqual({});
  });

  it("does not count calls during faults", () => {
    const run = correct();
    run.history.faultFree = [{ from: 100, to: 200 }];
    run.history.calls.push({ saleId: "sale-1", at: 30 });
    expect(violated(run)).toEqual({});
  });
});
