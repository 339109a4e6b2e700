/** Prints a new key pair for an env file: the private key, with which users signs tokens, and the public one. */
import { encode, newKeyPair } from "../broker/keys.ts";

const pair = newKeyPair();
console.log(`AUTH_PRIVATE_JWK=${encode(pair.private)}`);
console.log(`AUTH_JWKS=${encode({ keys: [pair.public] })}`);
