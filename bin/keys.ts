/**
 * Prints new key pairs for an env file: the private key, with which users signs tokens, and the public one; the private key, with
 * which deliveries signs web pushes, and the public one.
 */
import { encode, newKeyPair } from "../broker/keys.ts";
import { newPushKey, publicPushKey } from "../broker/push-keys.ts";

const pair = newKeyPair();
console.log(`AUTH_PRIVATE_JWK=${encode(pair.private)}`);
console.log(`AUTH_JWKS=${encode({ keys: [pair.public] })}`);

const push = newPushKey();
console.log(`PUSH_PRIVATE_JWK=${encode(push)}`);
console.log(`PUSH_PUBLIC_KEY=${publicPushKey(push)}`);
