import { browsers, systems } from "./names.ts";

/** A name by which the user knows the device, such as "Firefox, Linux". "" when nothing is known. */
export function deviceLabel(userAgent: string): string {
  const nameIn = (table: readonly (readonly [string, RegExp])[]) =>
    table.find(([, pattern]) => pattern.test(userAgent))?.[0];
  return [nameIn(browsers), nameIn(systems)].filter((name) => name).join(", ");
}
