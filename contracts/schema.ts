import Type, { type Static, type TProperties, type TSchema } from "typebox";

/** An object with these properties and no others. */
export const exactly = <P extends TProperties>(properties: P) =>
  Type.Object(properties, { additionalProperties: false });
export const nullable = <S extends TSchema>(schema: S) => Type.Union([schema, Type.Null()]);

/** Made by whoever starts something; it becomes `_id` where it lands. */
export const id = Type.String({ minLength: 1, maxLength: 64, pattern: "^[\\w-]+$" });
/** Minor units (cents). */
export const amount = Type.Integer({ minimum: 1, maximum: 1_000_000_000 });
/** ISO 4217. */
export const currency = Type.String({ pattern: "^[A-Z]{3}$" });
/** ISO 8601, UTC, milliseconds: in the stores as on the wire, so that it sorts as it reads. */
export const instant = Type.String({
  pattern: "^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}\\.\\d{3}Z$",
});
/** Well-formed Unicode without NUL (MongoDB would silently replace the rest), and more than white space unless it may be empty. */
export const text = (minLength: number, maxLength: number) =>
  Type.String({
    minLength,
    maxLength,
    pattern: `^${minLength > 0 ? "(?!\\s*$)" : ""}[^\\u0000\\uD800-\\uDFFF]*$`,
  });

export const limit = Type.Integer({ minimum: 1, maximum: 100 });
/** Opaque: where the page before ended. */
export const cursor = Type.String({ minLength: 1, maxLength: 512, pattern: "^[\\w-]+$" });
export const nextCursor = nullable(cursor);

/** What one service may ask of another: what goes in, what comes out. */
export const action = <P extends TSchema, R extends TSchema>(params: P, result: R) => ({
  params,
  result,
});
export type ParamsOf<A> = A extends { params: infer P extends TSchema } ? Static<P> : never;
export type ResultOf<A> = A extends { result: infer R extends TSchema } ? Static<R> : never;

/** Each service that owns data answers this: its database answers too, or it throws UNAVAILABLE. */
export const health = action(exactly({}), exactly({ ok: Type.Literal(true) }));
