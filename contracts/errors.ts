import Type, { type Static } from "typebox";

/**
 * Every way a request can fail. Clients match on the code, which is stable. Between services the code is
 * the error's `type`, because the class of an error is lost between processes.
 */
export const errors = {
  BAD_DATA: { status: 400, title: "The request is not valid" },
  UNAUTHENTICATED: { status: 401, title: "Sign in first" },
  /** At sign-in only. It says nothing about a token that the request has. */
  INVALID_CREDENTIALS: { status: 401, title: "The email address or password is wrong" },
  FORBIDDEN: { status: 403, title: "Not allowed" },
  OWN_ITEM: { status: 403, title: "This item is your own" },
  NOT_FOUND: { status: 404, title: "Not found" },
  ITEM_NOT_FOUND: { status: 404, title: "No such item" },
  ITEM_SOLD: { status: 404, title: "The item is sold" },
  METHOD_NOT_ALLOWED: { status: 405, title: "This path does not accept that method" },
  LINK_NOT_VALID: { status: 404, title: "This link is not valid, or no longer" },
  ALREADY_VERIFIED: { status: 409, title: "This email address is already verified" },
  EMAIL_TAKEN: { status: 409, title: "This email address has an account" },
  PRICE_CHANGED: { status: 409, title: "The price has changed" },
  ITEM_CHANGED: { status: 409, title: "The seller has changed this item" },
  TOO_MANY_WEBHOOKS: { status: 409, title: "A user can have no more webhooks" },
  /** A request that differs from the first one with this key must not get its answer: 422, as in the IETF's draft. 409 would invite a retry. */
  IDEMPOTENCY_KEY_REUSED: { status: 422, title: "Another request had this Idempotency-Key" },
  TOO_LARGE: { status: 413, title: "The request is too large" },
  TOO_MANY_REQUESTS: { status: 429, title: "Too many requests" },
  INTERNAL: { status: 500, title: "Something went wrong on our side" },
  UNAVAILABLE: { status: 503, title: "Not available at the moment" },
  TIMEOUT: { status: 504, title: "No answer in time" },
} as const;

export type ErrorCode = keyof typeof errors;

/** One invalid field: its dotted path ("" for the whole input), and the reason. */
/** Why a new password is refused: it is common, a date, close to its owner's name or email address, or the present one. */
export const passwordRules = ["common", "date", "personal", "present"] as const;
export type PasswordRule = (typeof passwordRules)[number];

export const FieldError = Type.Object({
  field: Type.String(),
  message: Type.String(),
  rule: Type.Optional(
    Type.Enum([...passwordRules], { description: "Of a new password: the rule that it breaks." }),
  ),
});
export type FieldError = Static<typeof FieldError>;

/** The body of every failed HTTP response: RFC 9457, `application/problem+json`. */
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
