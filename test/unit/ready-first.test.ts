import { ReadyFirst } from "../../broker/ready-first.ts";

/** An endpoint of the market on a node, as Moleculer passes it to a strategy. */
const on = (id: string, { unready = undefined as string[] | undefined, local = false } = {}) => ({
  id,
  local,
  node: { id, metadata: unready ? { unready } : {} },
  service: { name: "market" },
});
const strategy = () =>
  new ReadyFirst(...([{}, {}] as unknown as ConstructorParameters<typeof ReadyFirst>));
/** The nodes that 100 calls go to. */
const chosen = (endpoints: ReturnType<typeof on>[]) => {
  const balancer = strategy();
  const list = endpoints as unknown as Parameters<ReadyFirst["select"]>[0];
  const counts: Record<string, number> = {};
  for (let n = 0; n < 100; n++) {
    const { id } = balancer.select(list).node as unknown as { id: string };
    counts[id] = (counts[id] ?? 0) + 1;
  }
  return counts;
};

describe("balancing", () => {
  it("shares calls equally among ready nodes", () => {
    expect(chosen([on("a"), on("b"), on("c", { unready: ["users"] }), on("d")])).toEqual({
      a: 25,
      b: 25,
      c: 25,
      d: 25,
    });
  });

  it("chooses no node whose service is not ready, and shares its calls equally among the others", () => {
    expect(chosen([on("a"), on("b", { unready: ["market"] }), on("c")])).toEqual({ a: 50, c: 50 });
  });

  it("prefers this node, unless its service is not ready", () => {
    expect(chosen([on("a"), on("b", { local: true })])).toEqual({ b: 100 });
    expect(chosen([on("a"), on("b", { local: true, unready: ["market"] })])).toEqual({ a: 100 });
  });

  it("chooses among all nodes when none is ready", () => {
    const unready = ["market"];
    expect(chosen([on("a", { unready }), on("b", { unready })])).toEqual({ a: 50, b: 50 });
  });

  it("takes a node without metadata as ready, as those of 0.1.0", () => {
    const old = { ...on("a"), node: { id: "a", metadata: null as never } };
    expect(chosen([old, on("b", { unready: ["market"] })])).toEqual({ a: 100 });
  });
});
