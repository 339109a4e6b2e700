import { setImmediate as turn } from "node:timers/promises";
import { batched } from "../../store/group-commit.ts";

it("writes items that arrive during a write in one next write, up to the limit", async () => {
  const batches: number[][] = [];
  const write = batched(async (items: number[]) => {
    batches.push(items);
    await turn();
    return (item) => item * 2;
  }, 3);

  const first = write(1);
  await turn();
  const rest = [2, 3, 4, 5, 6].map(write);
  await first;
  // The second batch is under way by now; the third has room left.
  const last = write(7);

  expect(await Promise.all([first, ...rest, last])).toEqual([2, 4, 6, 8, 10, 12, 14]);
  expect(batches).toEqual([[1], [2, 3, 4], [5, 6, 7]]);
});
