import type { FieldError } from "../../contracts/errors.ts";
import type { Texts } from "./texts/en.ts";

/** A sentence about a field that was refused. Undefined when the page has none for it. */
export function fieldText(
  { field, rule }: FieldError,
  texts: Pick<Texts, "refused" | "passwordRules">,
): string | undefined {
  const refused: Record<string, string> = texts.refused;
  // A newer server may have rules that this page does not know.
  if (rule && Object.hasOwn(texts.passwordRules, rule)) return texts.passwordRules[rule];
  return Object.hasOwn(refused, field) ? refused[field] : undefined;
}
