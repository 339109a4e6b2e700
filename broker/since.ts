import { badData } from "./refusal.ts";

/** A date in UTC, or a date and time with its offset: text without an offset would depend on the machine. */
const form = /^(\d{4}-\d{2}-\d{2})(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2}))?$/;
/** How far the operator's clock may be ahead of this node's (ms). */
const tolerance = 60_000;

/**
 * The instant (ISO 8601 in UTC) that an operator gives as `since`. Throws BAD_DATA for text that is no date, and for a time to
 * come.
 */
export function parseSince(text: string, now: Date): string {
  const day = form.exec(text)?.[1];
  const at = new Date(text);
  if (!day || Number.isNaN(at.getTime()) || !new Date(day).toISOString().startsWith(day))
    throw badData([
      { field: "since", message: "is not a date and time such as 2026-11-28T09:30:00Z" },
    ]);
  if (at.getTime() > now.getTime() + tolerance)
    throw badData([{ field: "since", message: "is in the future" }]);
  return at.toISOString();
}
