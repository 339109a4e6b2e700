import type { IndexDescription } from "mongodb";
import { differencesOf } from "../../bin/doctor/indexes.ts";
import { collections } from "../../bin/doctor/collections.ts";
import { toTable } from "../../bin/doctor/finding.ts";
import { matches } from "../../bin/doctor/management.ts";
import { keyFaults, skews } from "../../bin/doctor/nodes.ts";
import { services } from "../../contracts/actions.ts";
import { items } from "../../services/market/items.ts";
import { toMongoIndex } from "../../store/mongo-indexes.ts";

describe("a clock that differs", () => {
  it("from those of most nodes is named", () => {
    const offsets = [0, 40, 90_000].map((offset, n) => ({ id: `n${n}`, offset }));
    expect(skews(offsets)).toEqual(["The clock of n2 is 90.0 s ahead of those of most nodes."]);
  });
  it("from that of every node is this machine's", () => {
    const offsets = [-5_000, -5_010, -4_990].map((offset, n) => ({ id: `n${n}`, offset }));
    expect(skews(offsets)).toEqual([
      "The clock of this machine is 5.0 s ahead of those of the nodes.",
    ]);
  });
  it("between this machine and a single node is named without a judgement", () => {
    expect(skews([{ id: "n", offset: -3_000 }])).toEqual([
      "The clock of n is 3.0 s behind this machine's.",
    ]);
  });
  it("by less than 2 s, or that was not measured, is no fault", () => {
    expect(
      skews([
        { id: "a", offset: 1_999 },
        { id: "b", offset: undefined },
      ]),
    ).toEqual([]);
  });
});

it("finds each node that lacks the key of a node that signs tokens", () => {
  const node = (id: string, name: string, verifies: string[], signs?: string) => ({
    id,
    services: [name],
    announced: { verifies, ...(signs && { signs }) },
  });
  const nodes = [
    node("users", "users", ["a", "b"], "b"),
    node("api", "api", ["a", "b"]),
    node("notifications", "notifications", ["a"]),
    // Of version 0.1: nothing is known of it.
    { id: "old", services: ["api"], announced: {} },
    node("market", "market", []),
  ];
  expect(keyFaults(nodes)).toEqual([
    "notifications refuses the tokens of users: AUTH_JWKS there lacks the key b.",
  ]);
});

it("tells missing, wrong, superseded and foreign indexes apart", () => {
  const named = items.indexes.map(toMongoIndex).map((index) => ({
    ...index,
    name: Object.keys(index.key).join("_"),
  }));
  const present: IndexDescription[] = [
    { name: "_id_", key: { _id: 1 } },
    ...named.filter(({ name }) => name !== "price__id" && name !== "soldAt__id"),
    { name: "wrong", key: { price: 1, _id: 1 }, unique: true },
    { name: "old", key: { saleId: 1 }, unique: true, sparse: true },
    { name: "like-old", key: { saleId: 1 } },
  ];
  const found = differencesOf(items, present);
  expect(found.missing.map(({ key }) => Object.keys(key).join("_"))).toEqual([
    "price__id",
    "soldAt__id",
  ]);
  expect(found.wrong.map(({ name }) => name)).toEqual(["wrong"]);
  expect(found.superseded.map(({ name }) => name)).toEqual(["old"]);
  expect(found.foreign.map(({ name }) => name)).toEqual(["like-old"]);
});

it("knows the collections of every service that owns data", () => {
  expect(Object.keys(collections).sort()).toEqual([...services].sort());
});

it.each([
  ["^MOL", true],
  ["^MOL-shop\\.2\\..*\\.waiting$", true],
  [".*", true],
  ["^orders\\.", false],
  ["(?i)mol", true],
])("takes a policy with the pattern %s for one of nodes' queues: %s", (pattern, expected) =>
  expect(matches(pattern, "MOL-shop.2.")).toBe(expected),
);

it("prints the worst first, each line at most as wide as a terminal of 140 columns", () => {
  const text = "word ".repeat(60).trim();
  const table = toTable([
    { state: "ok", part: "settings", text },
    { state: "wrong", part: "RabbitMQ", text },
  ]);
  const lines = table.split("\n");
  expect(lines[0]).toMatch(/^wrong {4}RabbitMQ {2}word/);
  expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(140);
  expect(lines.at(-1)).toBe("1 thing is wrong.");
});
