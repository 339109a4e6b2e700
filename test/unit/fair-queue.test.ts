import { FairQueue } from "../../edge/policy/fair-queue.ts";

/** A queue whose calls run until `end()`. `began` lists the networks of the calls in the order in which they began. */
function queueOf(limit: number) {
  const queue = new FairQueue();
  const began: string[] = [];
  return {
    began,
    enter(network: string, count = 1): void {
      for (let n = 0; n < count; n++) {
        const turn = queue.enter(network, limit);
        if (turn) void turn.then(() => began.push(network));
        else began.push(network);
      }
    },
    async end(count = 1): Promise<void> {
      for (let n = 0; n < count; n++) queue.leave(limit);
      await Promise.resolve();
    },
  };
}

it("runs calls at once up to its limit", () => {
  const { enter, began } = queueOf(3);

  enter("a", 5);

  expect(began).toEqual(["a", "a", "a"]);
});

it("lets networks take turns, and serves the calls of one in order", async () => {
  const { enter, end, began } = queueOf(1);

  enter("a", 5);
  enter("b", 2);
  enter("c");
  await end(7);

  expect(began).toEqual(["a", "a", "b", "c", "a", "b", "a", "a"]);
});

it("serves a network with one call next, however many another one has waiting", async () => {
  const { enter, end, began } = queueOf(1);
  enter("flood", 1_000);

  enter("b");
  await end(2);

  expect(began).toEqual(["flood", "flood", "b"]);
});

it("does not let a call overtake those that wait", async () => {
  const queue = new FairQueue();
  const began: string[] = [];
  void queue.enter("a", 1);
  void queue.enter("a", 1)!.then(() => began.push("waiting"));

  void queue.enter("a", 1)!.then(() => began.push("late"));
  queue.leave(1);
  await Promise.resolve();

  expect(began).toEqual(["waiting"]);
});

it("runs more calls when nodes are added, and fewer when they are gone", async () => {
  const queue = new FairQueue();
  let running = 0;
  const enter = (limit: number) => {
    const turn = queue.enter("a", limit);
    if (turn) void turn.then(() => running++);
    else running++;
  };

  for (let n = 0; n < 10; n++) enter(2);
  enter(6);
  await Promise.resolve();
  const withMore = running;
  for (let n = 0; n < 6; n++) queue.leave(2);
  await Promise.resolve();

  expect([withMore, running]).toEqual([6, 8]);
});
