import type { IncomingMessage } from "node:http";
import { badData } from "../broker/refusal.ts";
import { checker } from "../broker/validator.ts";
import { idempotencyHeader, type Route } from "../contracts/routes.ts";
import { idempotencyKey } from "../contracts/schema.ts";

const check = checker(idempotencyKey);

/** Every route that creates something takes a key. */
export const takesKey = ({ success }: Route) => success === 201;

/**
 * The key of a request, undefined when it has none. Quotation marks are optional: the IETF's draft (ietf-httpapi-idempotency-key-header)
 * has them, and most clients do not. Throws BAD_DATA when the key is malformed or given twice.
 */
export function idempotencyKeyOf(req: IncomingMessage): string | undefined {
  if (req.headers["idempotency-key"] === undefined) return undefined;
  const [value = "", ...others] = req.headersDistinct["idempotency-key"] ?? [];
  if (others.length > 0) throw malformed("is given twice");
  const key = /^"(.*)"$/.exec(value)?.[1] ?? value;
  const [fault] = check(key);
  if (fault) throw malformed(fault.message);
  return key;
}

const malformed = (message: string) => badData([{ field: idempotencyHeader, message }]);
