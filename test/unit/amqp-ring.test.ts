import { expect, it } from "@jest/globals";
import fc from "fast-check";
import { Hosts } from "../../broker/amqp/hosts.ts";
import { digestOf, neighbours } from "../../broker/amqp/ring.ts";

const ids = fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 2, maxLength: 50 });

it("makes each node the successor of its predecessor, and one ring of all nodes", () => {
  fc.assert(
    fc.property(ids, (nodes) => {
      const visited = new Set<string>();
      for (let id = nodes[0]!; !visited.has(id); id = neighbours(id, nodes)!.successor) {
        visited.add(id);
        const { successor } = neighbours(id, nodes)!;
        expect(neighbours(successor, nodes)!.predecessor).toBe(id);
      }
      expect(visited.size).toBe(nodes.length);
    }),
  );
});

it("has no neighbours for a node alone", () => {
  expect(neighbours("a", ["a"])).toBeUndefined();
});

it("digests a membership in any order, and every difference changes the digest", () => {
  const a = { id: "a", instanceID: "1", seq: 1, joinedAt: 1 };
  const b = { ...a, id: "b" };
  const digest = digestOf([a, b]);

  expect(digestOf([b, a])).toBe(digest);
  const others = [
    { ...b, instanceID: "2" },
    { ...b, seq: 2 },
    { ...b, joinedAt: 2 },
  ];
  for (const other of others) expect(digestOf([a, other])).not.toBe(digest);
  expect(digestOf([a])).not.toBe(digest);
});

it("tries hosts in a random order, and another one each time", () => {
  const keys = [0.9, 0.1, 0.5];
  const hosts = new Hosts("amqp://a,b,c", () => keys.shift()!);

  const tried = Array.from({ length: 4 }, () => hosts.next());

  expect(tried).toEqual(["amqp://b", "amqp://c", "amqp://a", "amqp://b"]);
});

it("tries a host that failed only after ten seconds, unless there is no other", () => {
  let now = 0;
  const keys = [0.1, 0.2, 0.3];
  const hosts = new Hosts(
    "amqp://a,b,c",
    () => keys.shift()!,
    () => now,
  );
  const next = (count: number) => Array.from({ length: count }, () => hosts.next().slice(-1));

  hosts.failed("amqp://a");
  expect(next(4)).toEqual(["b", "c", "b", "c"]);

  hosts.failed("amqp://b");
  hosts.failed("amqp://c");
  expect(next(3)).toEqual(["a", "b", "c"]);

  now = 10_000;
  expect(next(3)).toEqual(["a", "b", "c"]);
});
