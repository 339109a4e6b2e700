/** Prints a new key pair as two lines for an env file: what users signs tokens with, and what everybody checks them with. */
import { encode, newKeyPair } from "../broker/keys.ts";

const pair = newKeyPair();
console.log(`AUTH_PRIVATE_JWK=${encode(pair.private)}`);
console.log(`AUTH_JWKS=${encode({ keys: [pair.public] })}`);
