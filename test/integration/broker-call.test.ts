import { startBroker } from "../support/broker.ts";

const broker = await startBroker();
afterAll(() => broker.stop());

it("sells an item once", async () => {
  const as = (id: string) => ({ meta: { user: { id } } });
  const item = await broker.call("market.offer", { title: "A lamp", price: 4200 }, as("ann"));
  await broker.call("market.buy", { id: item.id }, as("bob"));
  const again = broker.call("market.buy", { id: item.id }, as("carl"));
  await expect(again).rejects.toMatchObject({ type: "ITEM_SOLD" });
});
