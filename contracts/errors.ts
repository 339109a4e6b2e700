import Type, { type Static } from "typebox";

/**
 * Every way a request can fail. The key is the stable `code` that clients match on; between services it travels as the
 * error's `type`, because a class does not survive the wire.
 */
export const errors = {
  BAD_DATA: { status: 400, title: "The request is not valid" },
  UNAUTHENTICATED: { status: 401, title: "Sign in first" },
  FORBIDDEN: { status: 403, title: "Not allowed" },
  OWN_ITEM: { status: 403, title: "This item is your own" },
  NOT_FOUND: { status: 404, title: "Not found" },
  ITEM_NOT_FOUND: { status: 404, title: "No such item" },
  ITEM_SOLD: { status: 404, title: "The item is sold" },
  METHOD_NOT_ALLOWED: { status: 405, title: "This path does not take that method" },
  EMAIL_TAKEN: { status: 409, title: "This e-mail address has an account" },
  PRICE_CHANGED: { status: 409, title: "The price is another now" },
  TOO_LARGE: { status: 413, title: "The request is too large" },
  TOO_MANY_REQUESTS: { status: 429, title: "Too many requests" },
  INTERNAL: { status: 500, title: "Something went wrong on our side" },
  UNAVAILABLE: { status: 503, title: "Not available at the moment" },
  TIMEOUT: { status: 504, title: "No answer in time" },
} as const;

export type ErrorCode = keyof typeof errors;

/** One thing that is wrong with the input: the dotted path of the field ("" is the whole), and what about it. */
export const FieldError = Type.Object({ field: Type.String(), message: Type.String() });
export type FieldError = Static<typeof FieldError>;

/** The body of every failed HTTP answer: RFC 9457, `application/problem+json`. */
export const Problem = Type.Object({
  type: Type.String(),
  title: Type.String(),
  status: Type.Integer(),
  code: Type.Enum(Object.keys(errors) as ErrorCode[]),
  detail: Type.String(),
  requestId: Type.String(),
  errors: Type.Optional(Type.Array(FieldError)),
});
export type Problem = Static<typeof Problem>;
