/**
 * Writes services/users/common-passwords.bin from a JSON array of common passwords: `node bin/common-passwords.ts
 * LIST.json`. The list is src/passwords.json of `npm pack @zxcvbn-ts/language-common`.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { hashOf } from "../services/users/password-policy.ts";

const list = JSON.parse(readFileSync(process.argv[2] ?? "", "utf8")) as string[];
const long = list.map((password) => password.toLowerCase()).filter(({ length }) => length >= 8);
const hashes = Uint32Array.from(new Set(long.map(hashOf))).sort();
const bytes = Buffer.alloc(hashes.length * 4);
hashes.forEach((hash, n) => bytes.writeUInt32BE(hash, n * 4));
writeFileSync(new URL("../services/users/common-passwords.bin", import.meta.url), bytes);
console.log(`${hashes.length} passwords.`);
