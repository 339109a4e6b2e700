import { startBroker } from "../support/broker.ts";

const broker = await startBroker();
afterAll(() => broker.stop());

it("refuses a picture that browsers cannot load, in an offer and in a revision", async () => {
  const as = { meta: { user: { id: "ann" } } };
  const item = await broker.call("market.offer", { title: "A lamp", price: 4200 }, as);
  const refused = { type: "BAD_DATA", data: { errors: [{ field: "imageUrl" }] } };
  for (const imageUrl of ["https://%", "https://ann:secret@a.example/x.png"]) {
    const offer = broker.call("market.offer", { title: "A lamp", price: 1, imageUrl }, as);
    await expect(offer).rejects.toMatchObject(refused);
    const revision = broker.call("market.revise", { id: item.id, imageUrl }, as);
    await expect(revision).rejects.toMatchObject(refused);
  }
});
