/** The model accepts a history of the protocol, and refuses histories in which something was changed. */
import { tracesOf, violationsOfModel } from "./conformance.ts";
import { newHistory, type FinalState, type History } from "./history.ts";

interface Recorded {
  history: History;
  state: FinalState;
}

/** Ben and Bea buy a lamp at once. Ben gets it, at his second try; the notice takes two calls, and a device shows it. */
function recorded(): Recorded {
  const history = newHistory();
  const buy = { itemId: "lamp", startedAt: 1, endedAt: 9 };
  history.buys.push(
    { ...buy, buyerId: "ben", endedAt: 3, outcome: { type: "unknown", reason: "TIMEOUT" } },
    { ...buy, buyerId: "bea", startedAt: 2, outcome: { type: "refused", code: "ITEM_SOLD" } },
    { ...buy, buyerId: "ben", startedAt: 4, outcome: { type: "ok", saleId: "sale" } },
  );
  history.calls.push({ saleId: "sale", at: 5 }, { saleId: "sale", at: 6 });
  history.devices.push({
    name: "phone",
    userId: "sara",
    shown: [{ noticeId: "sale", at: 7, from: "push" }],
    isConnected: true,
  });
  const outbox = { version: 1, entries: { notice: { state: "delivered" as const, attempts: 1 } } };
  const lamp = {
    _id: "lamp",
    sellerId: "sara",
    isSold: true,
    buyerId: "ben",
    saleId: "sale",
    outbox,
  };
  const rug = { _id: "rug", sellerId: "sara", isSold: false };
  return {
    history,
    state: { items: [lamp, rug], notices: [{ _id: "sara.sale", id: "sale", userId: "sara" }] },
  };
}

const judge = ({ history, state }: Recorded) => violationsOfModel(tracesOf(history, state));

it("the model accepts a history of the protocol", async () => {
  expect(await judge(recorded())).toEqual([]);
});

it.each<[string, string, (recorded: Recorded) => unknown]>([
  [
    "a second buyer is answered ok",
    "ok",
    ({ history: { buys } }) => (buys[1]!.outcome = { type: "ok", saleId: "sale" }),
  ],
  [
    "a buyer is answered with another sale",
    "ok",
    ({ history: { buys } }) => (buys[2]!.outcome = { type: "ok", saleId: "other" }),
  ],
  [
    "the buyer is refused, and has bought",
    "ITEM_SOLD",
    ({ history: { buys } }) => (buys[2]!.outcome = { type: "refused", code: "ITEM_SOLD" }),
  ],
  ["the item is sold before anyone asked", "call", ({ history: { calls } }) => (calls[0]!.at = 0)],
  [
    "a notice is shown before it was sent",
    "shown",
    ({ history: { devices } }) => (devices[0]!.shown[0]!.at = 4.5),
  ],
  ["a notice is shown, and nothing was sent", "shown", ({ history }) => (history.calls = [])],
  ["the sale is stored for another buyer", "end", ({ state }) => (state.items[0]!.buyerId = "bea")],
  ["the notice is stored twice", "end", ({ state }) => state.notices.push(state.notices[0]!)],
  ["the notice is lost, and its entry is delivered", "end", ({ state }) => (state.notices = [])],
  ["the entry vanishes", "end", ({ state }) => (state.items[0]!.outbox!.entries = {})],
])("the model refuses a doctored history: %s", async (_, event, doctor) => {
  const history = recorded();
  doctor(history);

  const violations = await judge(history);

  expect(violations).toHaveLength(1);
  expect(violations[0]).toContain(`of item lamp, [type |-> "${event}"`);
});
