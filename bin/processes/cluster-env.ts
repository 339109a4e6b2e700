import { randomUUID } from "node:crypto";
import { encode, newKeyPair } from "../../broker/keys.ts";
import { services } from "../../contracts/actions.ts";

/** The environment of a private cluster: a namespace, databases and keys of its own on shared servers. */
export function clusterEnv(amqpUrl: string, mongoUrl: string) {
  const run = randomUUID().slice(0, 8);
  const pair = newKeyPair();
  const database = (owner: string) => `${mongoUrl.replace(/\/$/, "")}/souk-${owner}-${run}`;
  const mongoUrls = Object.fromEntries(
    services.map((owner) => [`${owner.toUpperCase()}_MONGO_URL`, database(owner)]),
  ) as Record<`${Uppercase<(typeof services)[number]>}_MONGO_URL`, string>;
  return {
    AMQP_URL: amqpUrl,
    ...mongoUrls,
    NAMESPACE: run,
    RATE_SCALE: "1000",
    AUTH_JWKS: encode({ keys: [pair.public] }),
    AUTH_PRIVATE_JWK: encode(pair.private),
  };
}

/** The environment of one node of that cluster. Only users gets the private key. */
export const envOf = (name: string, env: ReturnType<typeof clusterEnv>) => ({
  ...env,
  AUTH_PRIVATE_JWK: name === "users" ? env.AUTH_PRIVATE_JWK : undefined,
});
