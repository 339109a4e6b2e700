/** From the registration to mails about sales, through a whole market in this process and a mail server. */
import { randomUUID } from "node:crypto";
import { eventually } from "../../bin/processes/eventually.ts";
import { addressOf, startBroker, type TestBroker } from "../support/broker.ts";
import { Client, newAccount } from "../support/client.ts";
import { decoded, MailServer } from "../support/mail-server.ts";

let server: MailServer;
let broker: TestBroker;
let api: string;
beforeAll(async () => {
  server = await MailServer.start();
  Object.assign(process.env, {
    SMTP_URL: server.url,
    MAIL_FROM: "Souk <noreply@souk.example>",
    PUBLIC_URL: "https://souk.example",
  });
  broker = await startBroker();
  api = addressOf(broker, "api");
});
afterAll(async () => {
  await broker?.stop();
  await server?.stop();
});

/** Waits for the mail number `n` to the address. */
const mailTo = (address: string, n = 1) =>
  eventually(() => {
    const mails = server.to(address);
    if (mails.length < n) throw new Error(`${address} has ${mails.length} mails`);
    return mails[n - 1]!;
  });
const tokenIn = (raw: string) => /verify#([\w.-]+)/.exec(decoded(raw))![1]!;

async function registered(more: object = {}) {
  const account = { ...newAccount(), ...more };
  const { body } = await new Client(api).call<NonNullable<Client["session"]>>(
    "POST",
    "/users",
    account,
  );
  const { raw } = await mailTo(account.email);
  return { client: new Client(api, body), email: account.email, raw, token: tokenIn(raw) };
}
async function verified() {
  const user = await registered();
  await user.client.call("POST", "/users/verify", { token: user.token });
  await eventually(async () => {
    const { mail } = await broker.call("notifications.recipient", { userId: user.client.id });
    expect(mail).toBe(true);
  });
  return user;
}
/** As the outbox does, ten minutes after a sale that no device has shown. */
const saleTo = async (userId: string, title = "A lamp") => {
  const { id } = await broker.call("notifications.notify", {
    ...{ userId, text: "Item #1 was sold!", type: "sale" },
    data: {
      ...{ itemId: "1", saleId: "s1", title, price: 4_200, currency: "EUR" },
      soldAt: new Date().toISOString(),
    },
  });
  const notice = {
    ...{ id, type: "sale", text: "Item #1 was sold!", createdAt: new Date().toISOString() },
    data: {
      ...{ itemId: "1", saleId: "s1", title, price: 4_200, currency: "EUR" },
      soldAt: new Date().toISOString(),
    },
  };
  await broker.call("deliveries.accept", { kind: "mail", userId, notice });
  return id;
};

it("a registration sends one mail, whose link verifies the address once", async () => {
  const { client, email, token, raw } = await registered({ language: "de" });
  expect(decoded(raw)).toContain("Diese Adresse bestätigen");
  expect(raw).not.toMatch(/List-Unsubscribe/);

  const clicks = await Promise.all(
    [1, 2].map(() => new Client(api).call("POST", "/users/verify", { token })),
  );

  expect(clicks.map(({ status }) => status).sort()).toEqual([200, 409]);
  expect((await client.call("GET", "/users/me")).body).toMatchObject({ isVerified: true });
  expect(server.to(email)).toHaveLength(1);
});

it("a mail to verify an address has nothing of its account, with which strangers could be written to", async () => {
  const { raw } = await registered({ name: "Buy pills at https://pills.example" });
  expect(decoded(raw)).not.toMatch(/pills/);
});

it("the mail is sent again when it is asked for, three times an hour in all", async () => {
  const { client, email, token } = await registered();
  const ask = () => client.call("POST", "/users/verification", {});
  expect([(await ask()).status, (await ask()).status, (await ask()).status]).toEqual([
    200, 200, 429,
  ]);
  const { raw } = await mailTo(email, 3);
  expect((await client.call("POST", "/users/verify", { token: tokenIn(raw) })).status).toBe(200);
  expect((await client.call("POST", "/users/verify", { token })).body).toMatchObject({
    code: "ALREADY_VERIFIED",
  });
  expect((await ask()).body).toEqual({ isVerified: true });
});

it("sales reach a verified address, until its owner unsubscribes with one click", async () => {
  const { client, email } = await verified();
  await saleTo(client.id, "A lamp\r\nBcc: victim@souk.test");

  const { headers, names } = await mailTo(email, 2);
  expect(names).not.toContain("bcc");
  const [, path] = /^<https:\/\/souk\.example(\/notifications\/unsubscribe\/[\w.-]+)>$/.exec(
    headers.get("list-unsubscribe")!,
  )!;
  expect((await fetch(api + path!)).status).toBe(405);
  const clicked = await fetch(api + path!, {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: "List-Unsubscribe=One-Click",
  });

  expect(clicked.status).toBe(200);
  expect((await broker.call("notifications.recipient", { userId: client.id })).mail).toBe(false);
  await saleTo(client.id);
  const other = await verified();
  await saleTo(other.client.id);
  await mailTo(other.email, 2);
  expect(server.to(email)).toHaveLength(2);
});

it("no sale is mailed to an address that is not verified, whoever asks for it", async () => {
  const { client, email } = await registered();
  await broker.call("notifications.setMailable", { userId: client.id, isMailable: true });
  await saleTo(client.id);
  const other = await verified();
  await saleTo(other.client.id);
  await mailTo(other.email, 2);
  expect(server.to(email)).toHaveLength(1);
});

it("a mail waits while users is down, and is sent once when it is back", async () => {
  const { client, email } = await verified();
  const users = broker.getLocalService("users")!;
  const { schema } = users as unknown as { schema: object };
  await broker.destroyService(users);
  await saleTo(client.id);
  const { worker } = broker.getLocalService("deliveries") as unknown as {
    worker: { idle(): Promise<void> };
  };
  await worker.idle();
  expect(server.to(email)).toHaveLength(1);

  broker.createService(schema as never);

  await mailTo(email, 2);
  expect(server.to(email)).toHaveLength(2);
}, 60_000);

it("a recipient that the server refuses gets one attempt, and one that is greylisted its mail later", async () => {
  const [refused, later] = [await verified(), await verified()];
  server.attempts.clear();
  server.refuse = (address, attempt) =>
    address === refused.email ? 550 : address === later.email && attempt === 1 ? 451 : undefined;
  await Promise.all([saleTo(refused.client.id), saleTo(later.client.id)]);
  await mailTo(later.email, 2);
  server.refuse = () => undefined;
  expect(server.attempts.get(refused.email)).toBe(1);
  expect(server.attempts.get(later.email)).toBe(2);
}, 60_000);

it("a test mail says whether it was sent", async () => {
  const { client, email } = await verified();
  const { id: userId } = client;
  expect(await broker.call("deliveries.test", { channel: "mail", userId })).toEqual({
    isSent: true,
  });
  expect(decoded((await mailTo(email, 2)).raw)).toContain("This is a test");
  expect(await broker.call("deliveries.test", { channel: "mail", userId: randomUUID() })).toEqual({
    isSent: false,
    reason: expect.any(String),
  });
});
