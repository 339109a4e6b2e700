/** How a user is reached without an open page: preferences, push subscriptions and webhooks, by REST. */
import { createECDH, randomBytes } from "node:crypto";
import type { Preferences, Webhook, WebhookWithSecret } from "../../contracts/channels.ts";
import { maxSubscriptions, maxWebhooks } from "../../contracts/channels.ts";
import { addressOf, startBroker } from "../support/broker.ts";
import { Client } from "../support/client.ts";

const broker = await startBroker();
const api = addressOf(broker, "api");
afterAll(() => broker.stop());

const keys = () => ({
  p256dh: createECDH("prime256v1").generateKeys("base64url"),
  auth: randomBytes(16).toString("base64url"),
});
const service = "https://updates.push.services.mozilla.com/wpush/v2";
const subscription = (name: string) => ({ endpoint: `${service}/${name}`, keys: keys() });
const preferencesOf = async (user: Client) =>
  (await user.call<Preferences>("GET", "/notifications/preferences")).body;
const webhooksOf = async (user: Client) =>
  (await user.call<{ webhooks: Webhook[] }>("GET", "/notifications/webhooks")).body.webhooks;
const addWebhook = (user: Client, body: object = { url: "https://shop.example/hook" }) =>
  user.call<WebhookWithSecret>("POST", "/notifications/webhooks", body);
const recipientOf = ({ id }: Client) => broker.call("notifications.recipient", { userId: id });

let user: Client;
beforeEach(async () => {
  user = await Client.registered(api);
});

it("a user without settings has the defaults, and costs no document", async () => {
  expect(await preferencesOf(user)).toMatchObject({
    push: true,
    mail: true,
    language: "en",
    quietHours: null,
    devices: [],
  });
  expect(await recipientOf(user)).toEqual({
    ...{ language: "en", quietHours: null, mail: true, push: [], webhooks: [] },
  });
});

it("changes preferences one by one", async () => {
  const quietHours = { from: "22:00", to: "07:00", timeZone: "Europe/Berlin" };
  const change = (body: object) => user.call("PATCH", "/notifications/preferences", body);
  await change({ quietHours });
  await change({ mail: false, language: "de" });
  expect(await preferencesOf(user)).toMatchObject({
    ...{ push: true, mail: false, language: "de", quietHours },
  });
  await change({ quietHours: null });
  expect((await preferencesOf(user)).quietHours).toBeNull();
  expect(await recipientOf(user)).toMatchObject({ mail: false, language: "de", quietHours: null });
});

it.each([
  ["nothing", {}],
  ["another language", { language: "fr" }],
  ["an unknown field", { sms: true }],
  ["an hour that there is not", { quietHours: { from: "24:00", to: "07:00", timeZone: "UTC" } }],
  ["no time", { quietHours: { from: "07:00", to: "07:00", timeZone: "UTC" } }],
  ["an unknown time zone", { quietHours: { from: "22:00", to: "07:00", timeZone: "Mars/Base" } }],
])("refuses preferences with %s", async (_, body) => {
  const { status } = await user.call("PATCH", "/notifications/preferences", body);
  expect(status).toBe(400);
});

it("registers a browser once for each endpoint, and removes it", async () => {
  const first = subscription("one");
  const { status, body } = await user.call<{ id: string }>("POST", "/notifications/push", {
    ...first,
    label: "Firefox",
  });
  expect([status, body]).toEqual([201, expect.objectContaining({ label: "Firefox" })]);
  const renewed = { endpoint: first.endpoint, keys: keys() };
  expect((await user.call("POST", "/notifications/push", renewed)).body).toEqual(body);
  const { push } = await recipientOf(user);
  expect(push).toEqual([{ id: body.id, endpoint: first.endpoint, ...renewed.keys }]);

  expect((await user.call("DELETE", `/notifications/push/${body.id}`)).status).toBe(204);
  expect((await user.call("DELETE", `/notifications/push/${body.id}`)).status).toBe(404);
  expect((await preferencesOf(user)).devices).toEqual([]);
});

it("shows a webhook's secret once, and signs with two of them while it is rotated", async () => {
  const { status, body } = await addWebhook(user);
  const { secret, ...webhook } = body;
  expect([status, secret]).toEqual([201, expect.stringMatching(/^whsec_[\w+/]{43}=$/)]);
  expect(await webhooksOf(user)).toEqual([webhook]);
  const path = `/notifications/webhooks/${webhook.id}`;
  const next = (await user.call<WebhookWithSecret>("POST", `${path}/rotate`)).body.secret;

  expect(next).not.toBe(secret);
  expect((await recipientOf(user)).webhooks).toEqual([
    { id: webhook.id, url: webhook.url, secrets: [next, secret] },
  ]);

  await user.call("PATCH", path, { isEnabled: false });
  expect((await recipientOf(user)).webhooks).toEqual([]);
  expect((await webhooksOf(user))[0]!.disabledAt).not.toBeNull();
  await user.call("PATCH", path, { isEnabled: true });
  expect((await recipientOf(user)).webhooks).toHaveLength(1);
  await user.call("DELETE", path);
  expect(await webhooksOf(user)).toEqual([]);
  expect((await user.call("POST", `${path}/rotate`)).status).toBe(404);
});

it("makes one webhook for all requests with one idempotency key", async () => {
  const send = (url: string) =>
    fetch(`${api}/notifications/webhooks`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "idempotency-key": "one",
        authorization: `Bearer ${user.session!.accessToken}`,
      },
      body: JSON.stringify({ url }),
    });
  const answers = await Promise.all(["a", "a", "a"].map((name) => send(`https://${name}.example`)));
  const bodies = await Promise.all(answers.map((answer) => answer.json()));
  expect(new Set(bodies.map((body) => JSON.stringify(body))).size).toBe(1);
  expect((await send("https://b.example")).status).toBe(422);
  expect(await webhooksOf(user)).toHaveLength(1);
});

it("bounds webhooks and subscriptions, also when they are added at the same time", async () => {
  const webhooks = await Promise.all(
    Array.from({ length: maxWebhooks + 2 }, () => addWebhook(user)),
  );
  expect(webhooks.filter(({ status }) => status === 201)).toHaveLength(maxWebhooks);
  expect(webhooks.find(({ status }) => status !== 201)!.body).toMatchObject({
    code: "TOO_MANY_WEBHOOKS",
  });
  await Promise.all(
    Array.from({ length: maxSubscriptions + 5 }, (_, n) =>
      user.call("POST", "/notifications/push", subscription(`${n}`)),
    ),
  );
  expect((await preferencesOf(user)).devices).toHaveLength(maxSubscriptions);
});

describe("the token of a mail", () => {
  const token = async () =>
    (await broker.call("notifications.unsubscribeToken", { userId: user.id })).token;
  const stop = (name: string, init: RequestInit) =>
    fetch(`${api}/notifications/unsubscribe/${name}`, { method: "POST", ...init });
  const form = { "content-type": "application/x-www-form-urlencoded" };

  it.each([
    ["a form, as in RFC 8058", { body: "List-Unsubscribe=One-Click", headers: form }],
    [
      "a multipart form",
      {
        body: '--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--',
        headers: { "content-type": "multipart/form-data; boundary=x" },
      },
    ],
    ["JSON", { body: "{}", headers: { "content-type": "application/json" } }],
    ["no body", {}],
  ])("turns the mails of its user off by %s, however often it is sent", async (_, init) => {
    const mine = await token();
    expect(await token()).toBe(mine);
    for (let n = 0; n < 2; n++) {
      const answer = await stop(mine, init);
      expect([answer.status, await answer.json()]).toEqual([200, { ok: true }]);
    }
    expect(await preferencesOf(user)).toMatchObject({ mail: false, push: true });
  });

  it("does nothing when it is another one, with the same answer", async () => {
    const mine = await token();
    const others = [mine.replace(/^./, (c) => (c === "A" ? "B" : "A")), `.${user.id}`, `${mine}.x`];
    for (const other of [...others, user.id, "none", `${"a".repeat(32)}.nobody`]) {
      const answer = await stop(other, { body: "List-Unsubscribe=One-Click", headers: form });
      expect([other, answer.status, await answer.text()]).toEqual([other, 200, '{"ok":true}']);
    }
    expect((await fetch(`${api}/notifications/unsubscribe/${mine}`)).status).toBe(405);
    expect((await preferencesOf(user)).mail).toBe(true);
  });
});
