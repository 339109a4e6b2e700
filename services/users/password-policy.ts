/** Which new passwords are refused. Passwords that exist already stay valid. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { badData } from "../../broker/refusal.ts";
import type { PasswordRule } from "../../contracts/errors.ts";
import { isAboutOwner, isCommonPassword, isDate, variants } from "../../domain/common-passwords.ts";

/** Throws BAD_DATA for a new password that is easily guessed. `former` is the present password. */
export function checkPassword(field: string, ...of: Parameters<typeof brokenRule>): void {
  const rule = brokenRule(...of);
  if (rule) throw badData([{ field, message: messages[rule], rule }]);
}

/** The ends of sentences about the field. */
const messages: Record<PasswordRule, string> = {
  present: "is the present password",
  common: "is one of the most common passwords",
  date: "is a date",
  personal: "is the email address or the name, and little more",
};

/** The rule that a new password breaks. Undefined when it is accepted. */
export function brokenRule(
  given: string,
  owner: { email: string; name: string },
  former?: string,
): PasswordRule | undefined {
  const password = given.normalize("NFC");
  if (password === former?.normalize("NFC")) return "present";
  if (isCommonPassword(password) || isListed(password)) return "common";
  if (isDate(password)) return "date";
  return isAboutOwner(password, owner) ? "personal" : undefined;
}

/**
 * The 32-bit hashes of about 18,000 common passwords of eight and more characters, sorted: 70 KB, read by the first
 * registration. They come from the list of @zxcvbn-ts/language-common 4.1.3 (MIT, https://github.com/zxcvbn-ts/zxcvbn),
 * by bin/common-passwords.ts. Of 200,000 other passwords one is refused by mistake.
 */
let hashes: Uint32Array | undefined;
const file = new URL("common-passwords.bin", import.meta.url);

function isListed(password: string): boolean {
  if (!hashes) {
    const bytes = readFileSync(file);
    hashes = Uint32Array.from({ length: bytes.length / 4 }, (_, n) => bytes.readUInt32BE(n * 4));
  }
  return variants(password).some((variant) => has(hashes!, hashOf(variant)));
}

/** The form in which a password is listed. */
export const hashOf = (password: string) =>
  createHash("sha256").update(password).digest().readUInt32BE();

/** Binary search. */
function has(sorted: Uint32Array, value: number): boolean {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return sorted[low] === value;
}
