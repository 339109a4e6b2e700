import { Inbox, Read } from "../../contracts/notifications.ts";
import { Item } from "../../contracts/market.ts";
import { shape, type Schema } from "../../web/docs/shape.ts";

const plain = (schema: object) => JSON.parse(JSON.stringify(schema)) as Schema;

describe("a JSON Schema on the page of the API documentation", () => {
  it.each<[string, Schema]>([
    ["string", { type: "string" }],
    ["true", { const: true }],
    ["null", { const: null }],
    ['"a" | "b"', { enum: ["a", "b"] }],
    ["string | null", { anyOf: [{ type: "string" }, { type: "null" }] }],
    [
      "(string | null)[]",
      { type: "array", items: { anyOf: [{ type: "string" }, { type: "null" }] } },
    ],
    ["unknown[]", { type: "array" }],
    ["object", { type: "object" }],
    ["unknown", {}],
  ])("is shown as %s", (text, schema) => expect(shape(schema)).toBe(text));

  it("is shown like a TypeScript type, with optional properties marked", () => {
    expect(shape(plain(Read))).toBe("{ ids: string[] } | { all: true, until?: string }");
    expect(shape(plain(Inbox))).toBe(`{
  notifications: {
    id: string,
    type: string,
    text: string,
    data: object,
    createdAt: string,
    isRead: boolean,
  }[],
  unread: integer,
  nextCursor: string | null,
}`);
    expect(shape(plain(Item))).toContain("\n  imageUrl: string | null,\n");
  });
});
