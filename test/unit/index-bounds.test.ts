import { faultsOf, type Asked } from "../support/index-bounds.ts";

const newest = ["-createdAt", "-_id"];
const list = ["sellerId", "createdAt", "_id", "isSold"];

describe("an index bounds a query", () => {
  it.each<[string, Asked, string[]]>([
    ["all documents in its order", { query: {}, sort: newest }, ["createdAt", "_id"]],
    ["an equal field, then the order", { query: { sellerId: "s" }, sort: newest }, list],
    [
      "a range on the first field of the order",
      { query: { sellerId: "s", createdAt: { $lt: "x" } }, sort: newest },
      list,
    ],
    [
      "equal fields up to a range on the last",
      { query: { sellerId: "s", createdAt: "x", _id: { $lt: "i" } }, sort: newest },
      list,
    ],
    [
      "a later field, which is compared in the keys",
      { query: { sellerId: "s", isSold: true }, sort: newest },
      list,
    ],
    [
      "several values that the order begins with",
      { query: { userId: { $in: ["a"] }, isRead: false }, sort: ["-userId", ...newest] },
      ["userId", "isRead", "createdAt", "_id"],
    ],
    ["no order", { query: { a: 1, b: { $gt: 2 } } }, ["a", "b"]],
  ])("with %s", (_case, asked, index) => expect(faultsOf(asked, index)).toEqual([]));
});

describe("an index does not bound a query", () => {
  it.each<[string, Asked, string[], string]>([
    ["whose order it lacks", { query: { sellerId: "s" }, sort: ["price", "_id"] }, list, "memory"],
    [
      "whose order stands behind a field without a condition",
      { query: { sellerId: "s" }, sort: newest },
      ["sellerId", "isSold", "createdAt", "_id"],
      "memory",
    ],
    [
      "whose range stands before the order",
      { query: { price: { $gt: 5 } }, sort: newest },
      ["price", "createdAt", "_id"],
      "memory",
    ],
    [
      "with several values before the order",
      { query: { userId: { $in: ["a", "b"] } }, sort: newest },
      ["userId", "createdAt", "_id"],
      "memory",
    ],
    [
      "with an order in two directions",
      { query: {}, sort: ["createdAt", "-_id"] },
      ["createdAt", "_id"],
      "two directions",
    ],
    [
      "whose range is not on the first field that is read",
      { query: { createdAt: { $lt: "x" } } },
      ["price", "createdAt"],
      "outside the range",
    ],
    ["with a condition on another field", { query: { a: 1, b: 2 } }, ["a"], "documents for b"],
    ["with $ne", { query: { a: 1, b: { $ne: 2 } } }, ["a", "b"], "documents for b"],
    ["with $or", { query: { a: 1, $or: [{ b: 2 }] } }, ["a", "b"], "documents for $or"],
    ["with a RegExp", { query: { a: /^x/ } }, ["a"], "documents for a"],
    ["that it does not serve", { query: {} }, ["a"], "whole index"],
  ])("%s", (_case, asked, index, fault) =>
    expect(faultsOf(asked, index)).toEqual(
      expect.arrayContaining([expect.stringContaining(fault)]),
    ),
  );
});
