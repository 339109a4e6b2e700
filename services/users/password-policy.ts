/** Which new passwords are refused. Passwords that exist already stay valid. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { badData } from "../../broker/refusal.ts";
import { isAboutOwner, isCommonPassword, isDate, variants } from "../../domain/common-passwords.ts";

/** Throws BAD_DATA for a new password that is easily guessed. `former` is the present password. */
export function checkPassword(field: string, ...of: Parameters<typeof passwordFault>): void {
  const message = passwordFault(...of);
  if (message) throw badData([{ field, message }]);
}

/** Why a new password is refused: the end of a sentence about the field. Undefined when it is accepted. */
export function passwordFault(
  given: string,
  owner: { email: string; name: string },
  former?: string,
): string | undefined {
  const password = given.normalize("NFC");
  if (password === former?.normalize("NFC")) return "is the present password";
  if (isCommonPassword(password) || isListed(password))
    return "is one of the most common passwords";
  if (isDate(password)) return "is a date";
  return isAboutOwner(password, owner)
    ? "is the email address or the name, and little more"
    : undefined;
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
