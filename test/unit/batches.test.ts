import { setImmediate as turn } from "node:timers/promises";
import { inBatches } from "../../mixins/batches.ts";

it("writes together what comes while a write is under way, and no more than the most at a time", async () => {
  const batches: number[][] = [];
  const write = inBatches(async (items: number[]) => {
    batches.push(items);
    await turn();
    return (item) => item * 2;
  }, 3);

  const first = write(1);
  await turn();
  const rest = await Promise.all([2, 3, 4, 5, 6].map(write));
  await write(7);

  expect([await first, ...rest]).toEqual([2, 4, 6, 8, 10, 12]);
  expect(batches).toEqual([[1], [2, 3, 4], [5, 6], [7]]);
});
