import { randomUUID } from "node:crypto";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { eventually } from "../../bin/processes/eventually.ts";
import { temporaryFolder } from "../../bin/processes/node-process.ts";

const folder = temporaryFolder();
afterAll(() => folder.remove());
process.env.DATA_DIR = folder.path;
const { RateLimiter } = await import("../../edge/rate-limiter.ts");
const { FixedWindow } = await import("../../edge/fixed-window.ts");

const full = { type: "TOO_MANY_REQUESTS", code: 429, data: { retryAfter: expect.any(Number) } };
const times = (count: number, work: () => Promise<unknown>) =>
  Promise.all(Array.from({ length: count }, work));

it("admits the limit of each key in a window, and says how long to wait", async () => {
  const limiter = new RateLimiter({ max: 3, seconds: 2 }, "Too many");

  await times(3, () => limiter.take("a"));

  const refused: unknown = await limiter.take("a").catch((error: unknown) => error);
  expect(refused).toMatchObject({ ...full, message: "Too many" });
  expect([1, 2]).toContain((refused as { data: { retryAfter: number } }).data.retryAfter);
  await limiter.take("b");
  await eventually(() => limiter.take("a"));
});

it("admits the limit of one owner in a window, and says how long to wait", async () => {
  const window = new FixedWindow();
  const take = () => window.take({ max: 3, seconds: 1 }, "Too many");

  for (let n = 0; n < 3; n++) take();

  expect(take).toThrow(
    expect.objectContaining({ ...full, message: "Too many", data: { retryAfter: 1 } }),
  );
  await eventually(take);
  for (let n = 0; n < 2; n++) take();
  expect(take).toThrow("Too many");
});

it("does not extend the window for requests that it refuses", async () => {
  const limiter = new RateLimiter({ max: 1, seconds: 1 }, "Too many");
  await limiter.take("a");
  const began = Date.now();

  await eventually(() => limiter.take("a"), { every: 5, within: 20_000 });

  expect(Date.now() - began).toBeLessThan(4_500);
});

it("peeks without counting", async () => {
  const limiter = new RateLimiter({ max: 2, seconds: 60 }, "Too many");

  await times(10, () => limiter.peek("a"));
  await times(2, () => limiter.take("a"));

  await expect(limiter.peek("a")).rejects.toMatchObject(full);
});

it("refunds no more than was taken", async () => {
  const limiter = new RateLimiter({ max: 2, seconds: 60 }, "Too many");

  await limiter.take("a");
  await times(5, () => limiter.refund("a"));
  await times(2, () => limiter.take("a"));

  await expect(limiter.take("a")).rejects.toMatchObject(full);
});

it("keeps the most recent keys of a flood, in bounded memory", async () => {
  const limiter = new RateLimiter({ max: 1, seconds: 600 }, "Too many");
  const before = heap();
  await limiter.take("first");

  for (let n = 0; n < 120_000; n++) await limiter.take(randomUUID());
  await limiter.take("last");

  expect(heap() - before).toBeLessThan(50);
  await expect(limiter.take("last")).rejects.toMatchObject(full);
  await limiter.take("first"); // dropped: it was the least recently used
});

/** Heap in use, in MB. */
function heap(): number {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  return process.memoryUsage().heapUsed / 2 ** 20;
}
