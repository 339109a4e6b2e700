/** The promises of deliveries, kept on both stores. */
import { once } from "node:events";
import type { ServerResponse } from "node:http";
import net, { type AddressInfo } from "node:net";
import { Webhook as StandardVerifier } from "standardwebhooks";
import { Webhook as SvixVerifier } from "svix";
import { ServiceBroker } from "moleculer";
import { eventually } from "../../bin/processes/eventually.ts";
import { expositionOf, withMetrics } from "../../broker/metrics/exposition.ts";
import { meterOf } from "../../broker/metrics/meter.ts";
import { refusal } from "../../broker/refusal.ts";
import { measureDeliveries } from "../../services/deliveries/measure.ts";
import type { Channel, Outcome } from "../../services/deliveries/channel.ts";
import { newSecret, type Deliveries } from "./deliveries.ts";

export function deliveriesPromises(market: Deliveries): void {
  const [minute, hour] = [60_000, 3_600_000];
  const idsOf = (received: { id: string }[]) => received.map(({ id }) => id);

  it("signs a webhook so that foreign verifiers accept it, by each valid secret, and no other", async () => {
    const secrets = [newSecret(), newSecret()];
    const { received, url } = await market.receiver();
    const { userId } = market.seller(url, secrets);

    const id = await market.sale(userId);

    await eventually(() => expect(idsOf(received)).toEqual([id]));
    const { headers, body } = received[0]!;
    for (const secret of secrets)
      for (const Verifier of [StandardVerifier, SvixVerifier])
        expect(() =>
          new Verifier(secret).verify(body, headers as Record<string, string>),
        ).not.toThrow();
    expect(JSON.parse(body)).toMatchObject({
      type: "sale",
      timestamp: expect.stringMatching(/Z$/),
      data: { id, text: "Item #1 was sold!", itemId: "1", price: 4200 },
    });
    for (const Verifier of [StandardVerifier, SvixVerifier]) {
      const verifier = new Verifier(newSecret());
      expect(() => verifier.verify(body, headers as Record<string, string>)).toThrow();
    }
  });

  it("sends a notice once that is accepted twice, also in one batch", async () => {
    const { received, url } = await market.receiver();
    const { userId } = market.seller(url);

    const id = await market.sale(userId);
    await market.sale(userId, "webhook", id);
    await market.idle();

    expect(idsOf(received)).toEqual([id]);
    expect(await market.stateOf(id)).toMatchObject({ state: "delivered", attempts: 0 });
  });

  it("stores nothing for a user without webhooks, and for a channel that is not configured", async () => {
    const { url } = await market.receiver();
    const { userId } = market.seller(url);
    const ids = [await market.sale("nobody"), await market.sale(userId, "mail")];

    for (const id of ids) expect(await market.stateOf(id)).toBeUndefined();
  });

  it("repeats a webhook after 5 s, 5 min, 30 min, 2 h, 5 h, 10 h and 10 h, then disables it with a reason", async () => {
    const receiver = await market.receiver();
    receiver.answer = (response) => response.writeHead(500).end();
    const { userId, webhook } = market.seller(receiver.url);
    const start = market.now();
    const id = await market.sale(userId);
    const waits = [5_000, 5 * minute, 30 * minute, 2 * hour, 5 * hour, 10 * hour, 10 * hour];
    await market.idle();
    for (const [n, wait] of waits.entries()) {
      await market.pass(wait - 4_000);
      expect(receiver.received).toHaveLength(n + 1);
      await market.pass(4_000);
      expect(receiver.received).toHaveLength(n + 2);
    }

    expect(new Set(idsOf(receiver.received))).toEqual(new Set([id]));
    expect(receiver.received.at(-1)!.at - start).toBeGreaterThan(27.5 * hour);
    const reason = "The receiver answered with status 500.";
    expect(market.disabled).toContainEqual({ userId, id: webhook.id, reason });
    expect(await market.stateOf(id)).toMatchObject({ state: "failed", attempts: 8, reason });
    await market.pass(48 * hour);
    expect(receiver.received).toHaveLength(8);
  });

  it("delivers to others while one receiver hangs", async () => {
    const [hanging, other] = [await market.receiver(), await market.receiver()];
    const held: ServerResponse[] = [];
    hanging.answer = (response) => void held.push(response);
    const stuck = market.seller(hanging.url);
    for (let n = 0; n < 20; n++) await market.sale(stuck.userId);
    await eventually(() => expect(hanging.received.length).toBeGreaterThan(0));

    const { userId } = market.seller(other.url);
    const ids: string[] = [];
    for (let n = 0; n < 5; n++) ids.push(await market.sale(userId));

    await eventually(() => expect(idsOf(other.received).sort()).toEqual(ids.sort()));
    // No attempt at the one that hangs had to end first: each takes ten seconds.
    expect(hanging.received).toHaveLength(1);
    market.recipients.delete(stuck.userId);
    for (const response of held) response.destroy();
  });

  it("delivers all of a day's outage afterwards, the oldest first, one at a time", async () => {
    const receiver = await market.receiver();
    receiver.answer = (response) => response.writeHead(503).end();
    const { userId } = market.seller(receiver.url);
    const ids: string[] = [];
    for (let n = 0; n < 48; n++) {
      ids.push(await market.sale(userId));
      await market.pass(hour / 2);
    }
    const during = receiver.received.length;
    let [atOnce, most] = [0, 0];
    receiver.received.length = 0;
    receiver.answer = (response) => {
      most = Math.max(most, ++atOnce);
      setTimeout(() => (atOnce--, response.writeHead(200).end()), 2);
    };
    for (let n = 0; receiver.received.length < ids.length && n < 24; n++)
      await market.pass(hour / 2);

    expect(idsOf(receiver.received)).toEqual(ids);
    expect(most).toBe(1);
    expect(during).toBeLessThan(48 * 8);
    expect(market.disabled.some((it) => it.userId === userId)).toBe(false);
  });

  it("waits as long as Retry-After says", async () => {
    const receiver = await market.receiver();
    receiver.answer = (response) => response.writeHead(429, { "retry-after": "3600" }).end();
    const { userId } = market.seller(receiver.url);
    await market.sale(userId);
    await market.idle();

    await market.pass(59 * minute);
    expect(receiver.received).toHaveLength(1);
    await market.pass(2 * minute);
    expect(receiver.received).toHaveLength(2);
  });

  it("drops what waits for a webhook that was removed", async () => {
    const receiver = await market.receiver();
    receiver.answer = (response) => response.writeHead(500).end();
    const { userId } = market.seller(receiver.url);
    const id = await market.sale(userId);
    await market.idle();
    market.recipients.delete(userId);
    await market.pass(minute);

    expect(await market.stateOf(id)).toMatchObject({ state: "dropped" });
    expect(receiver.received).toHaveLength(1);
  });

  it("disables a webhook that answers 410, and gives up what waits for it", async () => {
    const receiver = await market.receiver();
    receiver.answer = (response) => response.writeHead(500).end();
    const { userId, webhook } = market.seller(receiver.url);
    const ids = [await market.sale(userId), await market.sale(userId)];
    await market.idle();
    receiver.answer = (response) => response.writeHead(410).end();
    await market.pass(minute);

    expect(market.disabled.filter(({ id }) => id === webhook.id)).toHaveLength(1);
    for (const id of ids) expect(await market.stateOf(id)).toMatchObject({ state: "failed" });
    expect(receiver.received).toHaveLength(3);
  });

  it("measures what waits of each channel, and attempts by channel and result", async () => {
    const exporter = new ServiceBroker({ logger: false, ...withMetrics([]) });
    const meter = meterOf(exporter);
    const lines = async () =>
      (await expositionOf(exporter)).split("\n").filter((line) => line.startsWith("souk_deliver"));
    const { store, parts } = market.instance;
    const before = await store.count({ kind: "webhook", dueAt: { $gt: "" } });
    const usual = parts.meter;
    parts.meter = meter;
    const receiver = await market.receiver();
    receiver.answer = (response) => response.writeHead(500).end();
    const { userId } = market.seller(receiver.url);
    const id = await market.sale(userId);
    await market.idle();
    await store.change({ noticeId: id }, { $set: { dueAt: new Date(0).toISOString() } });

    measureDeliveries({ ...store, now: () => new Date(90_000) }, meter);
    const failed = await lines();
    receiver.answer = (response) => response.writeHead(204).end();
    await market.idle();
    const delivered = await lines();
    parts.meter = usual;

    expect(failed).toEqual(
      expect.arrayContaining([
        'souk_deliveries_total{channel="webhook",result="retry"} 1',
        'souk_deliveries_total{channel="mail",result="gone"} 0',
        `souk_deliveries_pending{channel="webhook"} ${before + 1}`,
        'souk_deliveries_pending{channel="push"} 0',
        'souk_deliveries_oldest_due_seconds{channel="webhook"} 90',
        'souk_deliveries_oldest_due_seconds{channel="mail"} 0',
      ]),
    );
    expect(delivered).toContain('souk_deliveries_total{channel="webhook",result="delivered"} 1');
  });

  it("shows nothing of what waits while the database is unavailable", async () => {
    const exporter = new ServiceBroker({ logger: false, ...withMetrics([]) });
    const { store } = market.instance;
    measureDeliveries(
      { ...store, count: () => Promise.reject(refusal("UNAVAILABLE")) },
      meterOf(exporter),
    );

    const text = await expositionOf(exporter);
    expect(text).toContain('souk_deliveries_total{channel="push",result="delivered"} 0');
    expect(text).not.toMatch(/souk_deliveries_(pending|oldest)/);
  });

  it("counts no attempt while notifications is unavailable", async () => {
    const receiver = await market.receiver();
    receiver.answer = (response) => response.writeHead(500).end();
    const { userId } = market.seller(receiver.url);
    const id = await market.sale(userId);
    await market.idle();
    market.fail(refusal("UNAVAILABLE"));
    await market.pass(hour);
    await market.pass(hour);
    market.fail();
    receiver.answer = (response) => response.writeHead(200).end();

    expect(await market.stateOf(id)).toMatchObject({ state: "pending", attempts: 1 });
    await market.pass(minute);
    expect(await market.stateOf(id)).toMatchObject({ state: "delivered", attempts: 1 });
  });

  it("sends what a killed node had claimed when the lease ends, with the same webhook-id", async () => {
    const receiver = await market.receiver();
    const { userId } = market.seller(receiver.url);
    const id = await market.sale(userId);
    await market.idle();
    const lease = {
      state: "pending",
      claim: "dead",
      dueAt: new Date(market.now() + 30_000).toISOString(),
    };
    await market.instance.store.change({ noticeId: id }, { $set: lease });

    await market.pass(29_000);
    expect(idsOf(receiver.received)).toEqual([id]);
    await market.pass(2_000);
    expect(idsOf(receiver.received)).toEqual([id, id]);
  });

  it("ends waits that a wrong clock has made too long", async () => {
    const { url } = await market.receiver();
    const { userId } = market.seller(url);
    const id = await market.sale(userId);
    await market.idle();
    const dueAt = new Date(market.now() + 48 * hour).toISOString();
    await market.instance.store.change({ noticeId: id }, { $set: { state: "pending", dueAt } });

    await market.instance.worker.straighten();
    await market.idle();

    expect(await market.stateOf(id)).toMatchObject({ state: "delivered" });
  });

  it("removes finished deliveries when KEEP_DAYS have passed, and no others", async () => {
    const { finishedDeliveries } = await import("../../services/deliveries/finished.ts");
    const receiver = await market.receiver();
    const { userId } = market.seller(receiver.url);
    const finished = await market.sale(userId);
    await market.idle();
    receiver.answer = (response) => response.writeHead(503).end();
    const waiting = await market.sale(userId);
    await market.idle();
    const { store } = market.instance;
    const removeAt = (days: number) =>
      finishedDeliveries(store, 90).next(undefined, new Date(market.now() + days * 24 * hour));

    await removeAt(89);
    expect(await market.stateOf(finished)).toBeDefined();
    await removeAt(91);
    expect(await market.stateOf(finished)).toBeUndefined();
    expect(await market.stateOf(waiting)).toMatchObject({ state: "pending" });
    market.recipients.delete(userId);
  });

  /** A receiver below HTTP. */
  async function rawReceiver(behave: (socket: net.Socket) => void) {
    const sockets = new Set<net.Socket>();
    const server = net.createServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => {}).on("close", () => sockets.delete(socket));
      socket.once("data", () => behave(socket));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const close = () => (sockets.forEach((socket) => socket.destroy()), server.close());
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, sockets, close };
  }

  it.each([
    ["redirects", "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\n\r\n", "pending"],
    [
      "announces 10 GB",
      `HTTP/1.1 200 OK\r\ncontent-length: 10737418240\r\n\r\n${"x".repeat(9_999)}`,
      "delivered",
    ],
    [
      "never ends its answer",
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n",
      "delivered",
    ],
    ["speaks no HTTP", "SSH-2.0-OpenSSH_9.2\r\n", "pending"],
    ["closes the connection", "", "pending"],
  ])("a receiver that %s holds no connection", async (_what, answer, state) => {
    const { url, sockets, close } = await rawReceiver((socket) =>
      answer ? socket.write(answer) : socket.end(),
    );
    const { userId } = market.seller(url);
    const id = await market.sale(userId);
    await market.idle();

    expect(await market.stateOf(id)).toMatchObject({ state });
    await eventually(() => expect(sockets.size).toBe(0));
    close();
    market.recipients.delete(userId);
  });

  it("sends a test to one webhook, and says why it failed", async () => {
    const receiver = await market.receiver();
    const { userId, webhook } = market.seller(receiver.url);
    const test = () =>
      market.call("deliveries.test", { channel: "webhook", userId, webhookId: webhook.id });

    expect(await test()).toEqual({ isSent: true });
    expect(JSON.parse(receiver.received[0]!.body)).toMatchObject({ type: "test" });
    receiver.answer = (response) => response.writeHead(404).end();
    expect(await test()).toEqual({
      isSent: false,
      reason: "The receiver answered with status 404.",
    });
    expect(
      await market.call("deliveries.test", { channel: "webhook", userId, webhookId: "other" }),
    ).toMatchObject({ isSent: false });
    expect(await market.call("deliveries.test", { channel: "mail", userId })).toMatchObject({
      isSent: false,
    });
  });

  it("lists the deliveries of a webhook to its owner, and replays one with the same id", async () => {
    const receiver = await market.receiver();
    const { userId, webhook } = market.seller(receiver.url);
    const ids = [await market.sale(userId), await market.sale(userId)];
    await market.idle();
    const list = (user: string, cursor?: string) =>
      market.call("deliveries.list", { id: webhook.id, limit: 1, ...(cursor && { cursor }) }, user);

    const first = await list(userId);
    expect(first.deliveries).toMatchObject([
      {
        id: ids[1],
        type: "sale",
        state: "delivered",
        attempts: 0,
        nextAttemptAt: null,
        reason: null,
      },
    ]);
    expect(idsOf((await list(userId, first.nextCursor!)).deliveries)).toEqual([ids[0]]);
    expect((await list("another")).deliveries).toEqual([]);

    const replay = (user: string, deliveryId: string) =>
      market.call("deliveries.replayOne", { id: webhook.id, deliveryId }, user);
    await expect(replay("another", ids[0]!)).rejects.toMatchObject({ type: "NOT_FOUND" });
    await expect(replay(userId, "unknown")).rejects.toMatchObject({ type: "NOT_FOUND" });
    expect(await replay(userId, ids[0]!)).toMatchObject({ id: ids[0], state: "pending" });
    await market.idle();
    expect(idsOf(receiver.received)).toEqual([...ids, ids[0]]);
  });

  describe("a channel for people", () => {
    const sent: string[] = [];
    let outcome: Outcome = { state: "delivered" };
    const channel: Channel = {
      ...{ isOn: true, concurrency: 2, isForPeople: true },
      targetsOf: ({ mail }) => (mail ? [{ lane: "smtp" }] : []),
      async send({ content }) {
        sent.push("notice" in content ? content.notice.id : content.id);
        return outcome;
      },
      accountTarget: { lane: "smtp" },
    };
    const person = (
      userId: string,
      quietHours: { from: string; to: string; timeZone: string } | null,
    ) =>
      market.recipients.set(userId, {
        ...{ language: "en", quietHours, push: [], mail: true, webhooks: [] },
      });
    beforeAll(() => (market.instance.parts.channels.mail = channel));
    beforeEach(() => void ([outcome] = [{ state: "delivered" }]));

    it("sends at once without another look, and drops what was shown before a later attempt", async () => {
      person("p1", null);
      outcome = { state: "retry", reason: "Try later." };
      const id = await market.sale("p1", "mail");
      await market.idle();
      expect(sent).toContain(id);
      sent.length = 0;
      market.shown.add(id);
      await market.pass(minute);

      expect(sent).toEqual([]);
      expect(await market.stateOf(id)).toMatchObject({ state: "dropped", attempts: 1 });
    });

    it("sends nothing in quiet hours, and all of it afterwards", async () => {
      const at = (ms: number) => new Date(market.now() + ms).toISOString().slice(11, 16);
      person("p2", { from: at(-2 * hour), to: at(3 * hour), timeZone: "UTC" });
      const id = await market.sale("p2", "mail");
      for (let n = 0; n < 5; n++) await market.pass(35 * minute);
      expect(sent).not.toContain(id);
      await market.pass(10 * minute);

      expect(sent).toContain(id);
      expect(await market.stateOf(id)).toMatchObject({ state: "delivered", attempts: 0 });
    });

    it("sends mails about the account whatever the preferences are, once by id", async () => {
      const mail = { id: "m1", userId: "nobody", kind: "verification" } as const;
      await market.call("deliveries.accountMail", mail);
      await market.call("deliveries.accountMail", mail);
      await market.idle();

      expect(sent.filter((id) => id === "m1")).toHaveLength(1);
    });

    it("tries for three days, at least every ten minutes", async () => {
      person("p3", null);
      outcome = { state: "retry", reason: "The server is down.", isDown: true };
      const id = await market.sale("p3", "mail");
      await market.idle();
      for (let n = 0; n < 72; n++) await market.pass(hour);
      expect(await market.stateOf(id)).toMatchObject({ state: "pending" });
      expect(sent.filter((one) => one === id).length).toBeGreaterThan(70);
      outcome = { state: "delivered" };
      await market.pass(10 * minute);

      expect(await market.stateOf(id)).toMatchObject({ state: "delivered" });
    });
  });
}
