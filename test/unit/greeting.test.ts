import { ServiceBroker } from "moleculer";
import type { Env } from "../../broker/env.ts";
import { greeting } from "../../broker/greeting.ts";

/** A node with the sample accounts, whose market answers with `items`. */
async function greetingWith(items: () => unknown): Promise<string> {
  const broker = new ServiceBroker({ logger: false });
  const address = () => ({ address: "127.0.0.1", port: 3000 });
  broker.createService({ name: "api", methods: { address } });
  broker.createService({ name: "users", actions: { profile: () => ({ id: "1", name: "Anna" }) } });
  broker.createService({ name: "market", actions: { items } });
  await broker.start();
  // The cast: the greeting reads these parts of the configuration.
  const env = { hasSamples: true, host: "127.0.0.1", dataDir: "/data" } as unknown as Env;
  Object.assign(env, { keys: { samplePassword: "a password" } });
  try {
    return await greeting(broker, env);
  } finally {
    await broker.stop();
  }
}

it("the greeting shows how to sign in and to buy an item", async () => {
  const items = [{ id: "7", title: "Lamp", sellerId: "alice" }];
  const text = await greetingWith(() => ({ items }));
  expect(text).toContain("HTTP at http://127.0.0.1:3000");
  expect(text).toContain("http://127.0.0.1:3000/market/buy/7");
});

it("a greeting that fails does not stop a node: it is shorter", async () => {
  const text = await greetingWith(() => {
    throw new Error("The market is not ready.");
  });
  expect(text).toContain("The password of each is a password");
  expect(text).not.toContain("/market/buy/");
});
