import Type, { type Static, type TProperties, type TSchema } from "typebox";
import { digitsRule, maxAmount } from "./currencies.ts";
import { languages } from "./languages.ts";
import { invisible, invisibleAlone, noncharacter, notInLine, notText } from "./visible.ts";

/** An object with exactly these properties. */
export const exactly = <P extends TProperties>(properties: P) =>
  Type.Object(properties, { additionalProperties: false });
export const nullable = <S extends TSchema>(schema: S) => Type.Union([schema, Type.Null()]);

/** The sender of a command makes the id; it becomes `_id` in the store. */
export const id = Type.String({
  minLength: 1,
  maxLength: 64,
  pattern: "^[\\w-]+$",
  examples: ["1"],
});
/** An id whose description says what it is the id of. */
export const idOf = (what: string) => Type.String({ ...id, description: `The id of ${what}.` });
/**
 * Makes a creating call safe to repeat: for 24 hours, the same user's call with the same key and params gets the first one's answer. Over
 * HTTP it is the header `Idempotency-Key`. Visible ASCII without quotation marks, commas, semicolons and backslashes.
 */
export const idempotencyKey = Type.String({
  description:
    "A new random value for each thing to create, such as a UUID. For 24 hours, a request with the same key and body gets the first one's answer: repeat it after a 503, a 504 or a lost answer. The body is the same when all values are, as they were sent: the order of fields does not count, spaces around a title do.",
  examples: ["7c9e6679-7425-40de-944b-e07fc1f90ae7"],
  minLength: 1,
  maxLength: 255,
  pattern: "^[!#-+\\--:<-\\[\\]-~]+$",
});
export const language = Type.Enum([...languages], {
  description: "The language of what is sent to the user.",
  examples: ["en"],
});
export const amount = Type.Integer({
  examples: [4200],
  minimum: 1,
  maximum: maxAmount,
  description: `An amount in minor units, such as cents. ${digitsRule()}`,
});
/** An old item may have a currency that is no longer in use. */
export const currency = Type.String({
  examples: ["EUR"],
  pattern: "^[A-Z]{3}$",
  description: "The ISO 4217 code of a currency",
});
/** ISO 8601 in UTC with milliseconds, in the stores and in messages: text order is time order. */
export const instant = Type.String({
  description: "A time in UTC, in the form of ISO 8601 with milliseconds.",
  examples: ["2026-11-28T09:30:00.000Z"],
  pattern: "^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}\\.\\d{3}Z$",
});
interface Shown {
  description?: string;
  examples?: string[];
}
/**
 * A text that is stored. Well-formed Unicode without NUL, because MongoDB would silently replace it. Something in it is visible, unless it
 * may be empty. Lengths are in code points, here and in all contracts. Of what people type, `line` and `prose` accept less: versions up to
 * 0.1.0 stored controls too.
 */
export const text = (minLength: number, maxLength: number, shown: Shown = {}) =>
  Type.String({
    ...shown,
    minLength,
    maxLength,
    pattern: `^${minLength > 0 ? `(?![${invisible}]*$)` : ""}[^\\u0000\\uD800-\\uDFFF]*$`,
  });
const withoutNoncharacters = `(?![^${noncharacter}]*${noncharacter})`;
/** What people type in one line: something in it is visible, and no character in it is a control, a line break or a noncharacter. */
export const line = (maxLength: number, shown: Shown) =>
  Type.String({
    ...shown,
    minLength: 1,
    maxLength,
    pattern: `^(?![${invisibleAlone}]*$)${withoutNoncharacters}[^${notText}${notInLine}]*$`,
  });
/** What people type in several lines. It may be empty, and has tabs and line breaks, but no other controls and no noncharacters. */
export const prose = (maxLength: number, shown: Shown) =>
  Type.String({ ...shown, maxLength, pattern: `^${withoutNoncharacters}[^${notText}]*$` });

/** The maximum size of a page of a list, in bytes of its JSON. */
export const pageBytes = 512 * 1024;
export const limit = Type.Integer({
  examples: [20],
  minimum: 1,
  maximum: 100,
  description: "The maximum number of entries on the page. Long entries make it end earlier.",
});
/** Opaque position after the last entry of a page. */
export const cursor = Type.String({
  minLength: 1,
  maxLength: 512,
  pattern: "^[\\w-]+$",
  description: "The `nextCursor` of the page before; without it, the first page.",
  examples: ["eyJpZCI6IjEifQ"],
});
export const nextCursor = Type.Union([cursor, Type.Null()], {
  description:
    "The cursor of the next page; null on the last page. A page ends early, with its cursor, at 512 KB, and a search after a bounded number of items was read: a short or empty page may not be the last.",
});

/** The contract of an action: its params and its result. */
export const action = <P extends TSchema, R extends TSchema>(params: P, result: R) => ({
  params,
  result,
});
/**
 * An action whose params or result hold passwords or tokens. Between nodes both are encrypted for the service that
 * handles it (broker/sealing.ts), because RabbitMQ writes long queues to disk.
 */
export const secretAction = <P extends TSchema, R extends TSchema>(params: P, result: R) => ({
  params,
  result,
  secret: true as const,
});
export type ParamsOf<A> = A extends { params: infer P extends TSchema } ? Static<P> : never;
export type ResultOf<A> = A extends { result: infer R extends TSchema } ? Static<R> : never;

/** Every service that owns data has this action. It throws UNAVAILABLE while its database does not answer. */
export const health = action(exactly({}), exactly({ ok: Type.Literal(true) }));

/** A span of a trace, as the W3C's header has it. */
export const traceparent = Type.String({ pattern: "^00-[0-9a-f]{32}-[0-9a-f]{16}-01$" });
