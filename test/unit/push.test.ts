import { importJWK, jwtVerify } from "jose";
import { newPushKey, pushKeysOf } from "../../broker/push-keys.ts";
import type { Notification } from "../../contracts/notifications.ts";
import { knownPushServices } from "../../domain/push-services.ts";
import { Outgoing } from "../../outgoing/post.ts";
import type { Context, Message } from "../../services/deliveries/channel.ts";
import { outcomeOf, pushChannel, requestOf } from "../../services/deliveries/push.ts";
import { pushMessageOf } from "../../services/deliveries/push-message.ts";
import type { Recipients, Subscription } from "../../services/deliveries/recipient.ts";
import { newReceiver } from "../support/push-receiver.ts";

const keys = pushKeysOf(newPushKey());
const sender = {
  ...{ keys, contact: "https://souk.example" },
  ...{ services: knownPushServices, isLoopbackAllowed: false },
};
const { keys: device, decrypt } = newReceiver();
const subscription: Subscription = {
  id: "d1",
  endpoint: "https://updates.push.services.mozilla.com/wpush/v2/token",
  ...device,
};
const notice: Notification = {
  ...{ id: "n1", type: "sale", text: "Item #1 was sold!" },
  data: { itemId: "i1", title: "A lamp", price: 4200, currency: "EUR" },
  createdAt: "2026-01-01T00:00:00.000Z",
};

describe("the request of a push", () => {
  it("is encrypted for the device, which reads what to show", async () => {
    const { headers, body } = await requestOf(notice, "de", subscription, sender);

    expect(JSON.parse(decrypt(body))).toEqual(pushMessageOf(notice, "de"));
    expect(headers["content-encoding"]).toBe("aes128gcm");
    expect(body.length).toBeLessThanOrEqual(4096);
    expect(() => newReceiver().decrypt(body)).toThrow();
  });

  it("is signed with the market's key, for the push service and a limited time", async () => {
    const { headers } = await requestOf(notice, "en", subscription, sender);
    const [, token, key] = /^vapid t=(.+), k=(.+)$/.exec(headers.authorization!)!;

    const { d: _, ...shown } = keys.private!;
    const { payload } = await jwtVerify(token!, await importJWK(shown, "ES256"), {
      audience: "https://updates.push.services.mozilla.com",
    });

    expect(key).toBe(keys.public);
    expect(payload.sub).toBe("https://souk.example");
    expect(payload.exp! - Date.now() / 1000).toBeLessThan(24 * 3600);
  });

  it("has the same topic for the same notice only, so that repeated pushes coalesce, and a time to live", async () => {
    const topicOf = async (id: string) =>
      (await requestOf({ ...notice, id }, "en", subscription, sender)).headers.topic;
    const long = "n".repeat(64);

    expect(await topicOf(long)).toBe(await topicOf(long));
    expect(await topicOf(long)).not.toBe(await topicOf("n1"));
    expect(await topicOf(long)).toMatch(/^[\w-]{32}$/);
    const { headers } = await requestOf(notice, "en", subscription, sender);
    expect(headers).toMatchObject({ ttl: "259200", urgency: "high" });
  });
});

describe("the answer of a push service", () => {
  it.each([
    [200, undefined, { state: "delivered" }],
    [201, undefined, { state: "delivered" }],
    [404, undefined, { state: "gone" }],
    [410, undefined, { state: "gone" }],
    [429, 90_000, { state: "retry", afterMs: 90_000 }],
    [503, 5_000, { state: "retry", afterMs: 5_000, isDown: true }],
    [500, undefined, { state: "retry", isDown: true }],
    [302, undefined, { state: "refused" }],
    [400, undefined, { state: "refused" }],
    [403, undefined, { state: "refused" }],
    [413, undefined, { state: "refused" }],
  ])("%i with Retry-After %s means %o", (status, retryAfterMs, outcome) => {
    const posted = { status, ...(retryAfterMs && { retryAfterMs }) };

    expect(outcomeOf(posted)).toMatchObject(outcome);
    expect(outcomeOf(posted)).not.toHaveProperty(retryAfterMs ? "none" : "afterMs");
  });
});

describe("a push", () => {
  const removed: string[] = [];
  // The cast: only what the channel calls.
  const recipients = {
    removeSubscription: async (userId: string, id: string) => void removed.push(`${userId} ${id}`),
  } as unknown as Recipients;
  const channel = pushChannel(sender, recipients);
  const outgoing = new Outgoing({ isLoopbackAllowed: false });
  // The cast: the rest is not used.
  const context = {
    ...{ outgoing, recipient: { language: "en" } },
    logger: { info: () => {} },
  } as unknown as Context;
  const message: Message = { key: "k", userId: "u", attempts: 0, content: { notice } };
  const target = (change: Partial<Subscription>) => ({ ...subscription, ...change, lane: "l" });
  const { p256dh } = device;

  it.each([
    ["a key that is no point", { p256dh: `B${"A".repeat(86)}` }],
    ["a key that is too short", { p256dh: p256dh.slice(0, 40) }],
    ["a key that is not base64", { p256dh: "%%%" }],
    ["a compressed point", { p256dh: Buffer.alloc(33, 2).toString("base64url") }],
    ["an empty key", { p256dh: "" }],
    ["a secret that is too short", { auth: "AAAA" }],
    ["no secret", { auth: "" }],
    ["an endpoint at another host", { endpoint: "https://evil.example/" }],
    ["an endpoint on this machine", { endpoint: "https://127.0.0.1/" }],
    ["an endpoint that is no URL", { endpoint: "none" }],
  ])("to a device with %s is refused, and nothing is sent", async (_what, change) => {
    expect(await channel.send(message, target(change), context)).toMatchObject({
      state: "refused",
    });
  });

  it("goes to each device that is subscribed, and the devices of one push service are one lane", () => {
    const other = { ...subscription, id: "d2", endpoint: "https://web.push.apple.com/a" };
    const targets = channel.targetsOf({
      ...{ language: "en", quietHours: null, mail: false, webhooks: [] },
      push: [subscription, { ...subscription, id: "d3" }, other],
    });

    expect(targets.map(({ id, lane }) => [id, lane])).toEqual([
      ["d1", "push.updates.push.services.mozilla.com"],
      ["d3", "push.updates.push.services.mozilla.com"],
      ["d2", "push.web.push.apple.com"],
    ]);
  });

  it.each([
    [410, "gone", ["u d1"]],
    [404, "gone", ["u d1"]],
    [503, "retry", []],
  ])("that is answered with %i leaves it %s", async (status, state, gone) => {
    removed.length = 0;
    const answering = { post: () => Promise.resolve({ status }) } as unknown as Outgoing;

    const outcome = await channel.send(message, target({}), { ...context, outgoing: answering });

    expect([outcome.state, removed]).toEqual([state, gone]);
  });

  it("is off without a key", () => {
    const none = { public: undefined, private: undefined };
    expect(pushChannel({ ...sender, keys: none }, recipients).isOn).toBe(false);
  });
});
