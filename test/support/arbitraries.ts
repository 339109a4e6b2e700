/** Values made from the contract's JSON Schemas: valid, nearly valid, and hostile. */
import fc from "fast-check";

/** The part of JSON Schema that contracts/ uses. */
export interface Schema {
  type?: string;
  const?: unknown;
  enum?: unknown[];
  anyOf?: Schema[];
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean;
  patternProperties?: Record<string, Schema>;
  minProperties?: number;
  items?: Schema;
  minItems?: number;
  maxItems?: number;
  minLength?: number;
  maxLength?: number;
  pattern?: string;
  minimum?: number;
  maximum?: number;
}

/** A valid value. */
export function fitting(schema: Schema): fc.Arbitrary<unknown> {
  if (schema.anyOf) return fc.oneof(...schema.anyOf.map(fitting));
  if ("const" in schema) return fc.constant(schema.const);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  const make = kinds[schema.type ?? ""];
  if (!make)
    throw new Error(
      `Add a case to \`kinds\` in test/support/arbitraries.ts for ${JSON.stringify(schema)}.`,
    );
  return make(schema);
}

const kinds: Record<string, (schema: Schema) => fc.Arbitrary<unknown>> = {
  null: () => fc.constant(null),
  boolean: () => fc.boolean(),
  integer: ({ minimum: min, maximum: max }) => fc.integer({ min, max }),
  string: text,
  array: ({ items = {}, minItems = 0, maxItems = 10 }) =>
    fc.array(fitting(items), { minLength: minItems, maxLength: Math.min(maxItems, minItems + 10) }),
  object: ({ properties = {}, required = [], patternProperties, minProperties = 0 }) =>
    patternProperties
      ? fc.dictionary(fc.string(), fc.jsonValue())
      : fc
          .record(
            Object.fromEntries(
              Object.entries(properties).map(([name, inner]) => [name, fitting(inner)]),
            ),
            { requiredKeys: required },
          )
          .filter((value) => Object.keys(value).length >= minProperties),
};

/** fast-check makes text from a pattern but ignores lookaheads, so the whole pattern filters the result. */
function text({ pattern = "", minLength = 0, maxLength = 1000 }: Schema): fc.Arbitrary<string> {
  const whole = new RegExp(pattern, "u");
  // It cannot read \u{…} either.
  const simpler = pattern
    .replace(/\(\?!(?:\[[^\]]*\]|[^)])*\)/g, "")
    .replace("\\u{10FFFF}", "\\uFFFD");
  const any = pattern
    ? fc.stringMatching(new RegExp(simpler, "u"))
    : fc.string({ unit: "grapheme" });
  return any
    .map((made) => made.slice(0, maxLength).padEnd(minLength, "a"))
    .filter((made) => whole.test(made) && made.isWellFormed() && [...made].length >= minLength);
}

/** A valid value with one change, which usually makes it invalid. */
export const nearly = (schema: Schema): fc.Arbitrary<unknown> =>
  fitting(schema).chain((value) => changed(schema, value));

function changed(schema: Schema, value: unknown): fc.Arbitrary<unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return fc.oneof(hostile, fc.constantFrom(...beyond(schema)));
  const names = Object.keys(value);
  const changes: fc.Arbitrary<unknown>[] = [
    fc
      .tuple(hostileName, hostile)
      .map(([name, extra]) => Object.fromEntries([...Object.entries(value), [name, extra]])),
    fc.constant([value]),
    fc.constant(JSON.stringify(value)),
  ];
  if (names.length > 0) {
    const name = fc.constantFrom(...names);
    changes.push(
      name.map((gone) => Object.fromEntries(Object.entries(value).filter(([key]) => key !== gone))),
    );
    changes.push(
      name.chain((field) => {
        const inner = schema.properties?.[field] ?? {};
        const kept = (value as Record<string, unknown>)[field];
        const instead = fc.oneof(
          hostile,
          fc.constantFrom(...beyond(inner)),
          fc.constantFrom([kept], { $eq: kept }, textOf(kept)),
        );
        return instead.map((other) => ({ ...value, [field]: other }));
      }),
    );
  }
  return fc.oneof(...changes);
}

/** Also of an object without a prototype, which String() cannot take. */
const textOf = (value: unknown) =>
  typeof value === "object" ? JSON.stringify(value) : String(value);

/** Values one step outside a schema's limits. */
function beyond({ minimum, maximum, minLength, maxLength, minItems, maxItems }: Schema): unknown[] {
  return [
    null,
    minimum !== undefined ? minimum - 1 : -1,
    maximum !== undefined ? maximum + 1 : 1.5,
    "a".repeat(Math.max(0, (minLength ?? 1) - 1)),
    "a".repeat((maxLength ?? 1000) + 1),
    Array.from({ length: Math.max(0, (minItems ?? 1) - 1) }, () => "a"),
    Array.from({ length: (maxItems ?? 100) + 1 }, () => "a"),
  ];
}

const nested = (depth: number) => JSON.parse("[".repeat(depth) + "]".repeat(depth)) as unknown;
const hostileName = fc.constantFrom(
  "__proto__",
  "constructor",
  "$where",
  "$ne",
  "a.b",
  "",
  "user",
  "meta",
  "userId",
  "_id",
  "\u0000",
  "toJSON",
);

/** Values that have broken other servers. */
export const hostile: fc.Arbitrary<unknown> = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom<unknown>(
    { $ne: null },
    { $gt: "" },
    { $where: "sleep(1e6)" },
    { $regex: "(a+)+$" },
    { length: 1e9 },
    { toString: 1, valueOf: 1, toJSON: 1 },
    JSON.parse(
      '{"__proto__": {"polluted": true}, "constructor": {"prototype": {"polluted": true}}}',
    ),
    { type: "Buffer", data: [1, 2] },
    nested(50),
    nested(2_000),
    "\uD800",
    "a\u0000b",
    "\u202E\uFEFF",
    "'; DROP TABLE items; --",
    "../../../etc/passwd",
    "{{7*7}}${7*7}",
    "x".repeat(10_000),
    `${"a".repeat(60)}!`,
    Number.MAX_SAFE_INTEGER + 1,
    1e308,
    -0,
    0.1,
    "1",
    "true",
    "null",
    true,
    [],
    {},
  ),
);

/** A request whose bytes were cut and replaced in up to four places. */
export const torn = (from: string): fc.Arbitrary<Buffer> =>
  fc
    .array(
      fc.record({
        at: fc.nat(from.length),
        cut: fc.nat(8),
        put: fc.oneof(
          fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes).toString("latin1")),
          fc.constantFrom(
            "\r\n",
            "\r\n\r\n",
            "\n",
            "\0",
            "%",
            "%00",
            ":",
            " ",
            "..",
            "Transfer-Encoding: chunked\r\n",
            "Content-Length: 5\r\n",
          ),
        ),
      }),
      { minLength: 1, maxLength: 4 },
    )
    .map((edits) =>
      Buffer.from(
        edits.reduce(
          (text, { at, cut, put }) => text.slice(0, at) + put + text.slice(at + cut),
          from,
        ),
        "latin1",
      ),
    );
