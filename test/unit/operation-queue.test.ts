import { OperationQueue } from "../../store/sqlite/operation-queue.ts";
import { decode, type Operation } from "../../store/sqlite/operations.ts";

const insert = (_id: string): Operation => ({ type: "insert", doc: { _id } });
const idsOf = (batch: { operations: string[] } | undefined) =>
  batch?.operations.map((text) => (decode(text) as { doc: { _id: string } }).doc._id);
const late = () => new Error("late");
const minute = 60_000;

describe("a queue of operations", () => {
  it("gives the first at once, and all that arrive meanwhile as one batch", async () => {
    const queue = new OperationQueue();
    const first = queue.add(insert("1"), minute, late);
    const batch = queue.take();
    expect(idsOf(batch)).toEqual(["1"]);

    const rest = ["2", "3", "4"].map((id) => queue.add(insert(id), minute, late));
    expect(queue.take()).toBeUndefined();
    queue.settle(`[[${batch!.firstId},{"result":{"a":1}}]]`, true, late);
    expect(await first).toEqual({ a: 1 });

    const next = queue.take()!;
    expect(idsOf(next)).toEqual(["2", "3", "4"]);
    const answers = rest.map((_, n) => `[${next.firstId + n},{"result":${n}}]`);
    queue.settle(`[${answers.join(",")}]`, true, late);
    expect(await Promise.all(rest)).toEqual([0, 1, 2]);
    await queue.whenIdle();
  });

  it("gives at most 200 operations in a batch", async () => {
    const queue = new OperationQueue();
    const all = Array.from({ length: 250 }, (_, n) => queue.add(insert(`${n}`), minute, late));
    expect(queue.take()!.operations).toHaveLength(200);
    queue.settle("[]", true, late);
    expect(queue.take()!.operations).toHaveLength(50);
    queue.rejectAll(late);
    expect((await Promise.allSettled(all)).every(({ status }) => status === "rejected")).toBe(true);
  });

  it("goes on with the next batch while a part of the last one is under way", async () => {
    const queue = new OperationQueue();
    const long = queue.add({ type: "count", query: {} }, minute, late);
    const { firstId } = queue.take()!;
    const quick = queue.add(insert("1"), minute, late);
    queue.settle("[]", true, late);
    const next = queue.take()!;
    queue.settle(`[[${next.firstId},{"result":null}]]`, true, late);
    await quick;
    queue.settle(`[[${firstId},{"result":5}]]`, false, late);
    expect(await long).toBe(5);
  });

  it("tells everybody who waits that it is idle", async () => {
    const queue = new OperationQueue();
    const one = queue.add(insert("1"), minute, late);
    const { firstId } = queue.take()!;
    const waiting = [queue.whenIdle(), queue.whenIdle()];
    queue.settle(`[[${firstId},{"result":null}]]`, true, late);
    await Promise.all([one, ...waiting]);
  });

  it("does not send an operation that nobody waits for any more", async () => {
    const queue = new OperationQueue();
    const first = queue.add(insert("1"), minute, late);
    const { firstId } = queue.take()!;
    await expect(queue.add(insert("2"), 1, late)).rejects.toThrow("late");
    queue.settle(`[[${firstId},{"result":null}]]`, true, late);
    await first;
    expect(queue.take()).toBeUndefined();
  });

  it("sends objects as they were when they were given", () => {
    const queue = new OperationQueue();
    const doc = { _id: "1" };
    queue.add({ type: "insert", doc }, minute, late).catch(() => {});
    doc._id = "changed";
    expect(idsOf(queue.take())).toEqual(["1"]);
    queue.rejectAll(late);
  });

  it("carries a RegExp of a query", () => {
    const queue = new OperationQueue();
    queue.add({ type: "find", query: { $and: [{ words: /^a/i }] } }, minute, late).catch(() => {});
    expect(decode(queue.take()!.operations[0]!)).toEqual({
      type: "find",
      query: { $and: [{ words: /^a/i }] },
    });
    queue.rejectAll(late);
  });
});
