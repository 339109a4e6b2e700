/** An embedded market whose clock jumps by hours for a while, with a seller's device connected. */
import type { Inbox } from "../../contracts/notifications.ts";
import type { Item, Sale } from "../../contracts/market.ts";
import type { Session } from "../../contracts/users.ts";
import { eventually } from "../../bin/processes/eventually.ts";
import { createSouk, type LiveInbox } from "../../client/index.ts";
import { Client, newAccount, password } from "../support/client.ts";
import type { Device } from "../support/device.ts";
import { startMarket, type Market } from "../support/market.ts";
import { ShiftedClock } from "../support/shifted-clock.ts";

const within = 30_000;
let market: Market;
/** A market with the usual limits. */
let limited: Market;
const [clock, limitedClock] = [new ShiftedClock(), new ShiftedClock()];
beforeAll(async () => {
  [market, limited] = await Promise.all([
    startMarket(clock.env),
    startMarket({ ...limitedClock.env, RATE_SCALE: "1" }),
  ]);
});
afterAll(async () => {
  await Promise.all([market.close(), limited.close()]);
  for (const one of [clock, limitedClock]) one.remove();
});

const setClock = (hours: number) => clock.set(hours * 3_600_000, market.child.pid);

/** Repeats after a sign-in, as souk-client does: a wrong clock may cost repeats. */
async function ask<T>(
  client: Client,
  method: string,
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
): Promise<T> {
  const call = () => client.call<T>(method, path, body, headers);
  let answer = await call();
  if (answer.status === 401) {
    const { refreshToken } = client.session!;
    client.session = (await client.call<Session>("POST", "/users/refresh", { refreshToken })).body;
    answer = await call();
  }
  expect([200, 201]).toContain(answer.status);
  return answer.body;
}
const offer = (seller: Client) =>
  ask<Item>(seller, "POST", "/market/items", { title: "A lamp", price: 4200 });
const newestOf = async (seller: Client) =>
  (await ask<{ items: Item[] }>(seller, "GET", `/market/items?sellerId=${seller.id}`)).items.map(
    ({ id }) => id,
  );
const inboxOf = (seller: Client) => ask<Inbox>(seller, "GET", "/notifications?unread=true");
/** Sells a new item and waits until the device shows it. */
async function sale(seller: Client, buyer: Client, device: Device): Promise<string> {
  const { id } = await offer(seller);
  const { saleId } = await ask<{ saleId: string }>(buyer, "POST", `/market/buy/${id}`);
  await device.shows(saleId, within);
  return saleId;
}

const inboxes: LiveInbox[] = [];
afterEach(() => inboxes.splice(0).forEach((inbox) => inbox.close()));

/** The live inbox of souk-client: its unread counts and its ids, newest first, after every change. */
async function liveInbox({ session }: Client): Promise<[number, string[]][]> {
  const souk = createSouk({ url: market.api, socketUrl: market.sockets });
  await souk.signIn({ email: session!.user.email, password });
  const inbox = souk.inbox();
  inboxes.push(inbox);
  await eventually(() => expect(inbox.get().connection).toBe("live"), { within });
  const shown: [number, string[]][] = [];
  inbox.subscribe(({ unread, notifications }) => {
    const state: [number, string[]] = [unread!, notifications.map(({ id }) => id)];
    if (JSON.stringify(state) !== JSON.stringify(shown.at(-1))) shown.push(state);
  });
  return shown;
}

it.each([3, -3, 1, -1])(
  "lists, inboxes, unread counts and sessions are right during and after a jump of %d h",
  async (hours) => {
    const seller = await Client.registered(market.api);
    const buyer = await Client.registered(market.api);
    const device = await market.device(seller.session!.accessToken).connects();
    const shown = await liveInbox(seller);
    const sales = [await sale(seller, buyer, device)];

    await setClock(hours);
    sales.push(await sale(seller, buyer, device), await sale(seller, buyer, device));
    const signedInMeanwhile = await market.signedInAgain(seller);
    const before = (await inboxOf(seller)).notifications;
    expect(before.map(({ id }) => id)).toEqual(sales.toReversed());

    await setClock(0);
    sales.push(await sale(seller, buyer, device));
    const [newestItem] = await newestOf(seller);
    const last = await offer(seller);
    expect((await newestOf(seller)).slice(0, 2)).toEqual([last.id, newestItem]);
    const sold = await ask<{ sales: Sale[] }>(seller, "GET", "/market/sales");
    expect(sold.sales.map(({ id }) => id)).toEqual(sales.toReversed());
    const inbox = await inboxOf(seller);
    expect(inbox.notifications.map(({ id }) => id)).toEqual(sales.toReversed());
    expect(inbox.unread).toBe(sales.length);

    // The live inbox has seen every push on top of the one before.
    await eventually(() => expect(shown.at(-1)).toEqual([sales.length, sales.toReversed()]), {
      within,
    });
    const newest = sales.map((_, n) => [n + 1, sales.slice(0, n + 1).toReversed()]);
    expect(shown.filter(([unread]) => unread > 0)).toEqual(newest);

    // What arrived after the notice at which the reading ends stays unread.
    const read = await device.ask("read", { all: true, until: sales.at(-2) });
    expect(read).toMatchObject({ unread: 1 });
    expect((await inboxOf(signedInMeanwhile)).notifications.map(({ id }) => id)).toEqual(
      sales.slice(-1),
    );
    expect(device.disconnects).toEqual([]);
    await eventually(() => expect(shown.at(-1)).toEqual([1, sales.slice(-1)]), { within });
    await inboxes.at(-1)!.read("all");
    expect((await inboxOf(seller)).unread).toBe(0);
  },
);

it("a session that ended while the clock was slow stays ended when it is right again", async () => {
  const user = await Client.registered(market.api);
  await setClock(-3);
  const { refreshToken } = user.session!;
  expect((await user.call("POST", "/users/logout", { refreshToken })).status).toBe(204);
  await setClock(0);

  expect((await user.call("GET", "/users/me")).status).toBe(401);
});

it("a full limit on a clock three hours ahead ends with its window", async () => {
  const account = newAccount();
  await new Client(limited.api).call("POST", "/users", account);
  const wrong = { email: account.email, password: "not the password" };
  const signIn = () => new Client(limited.api).call("POST", "/users/login", wrong);
  await limitedClock.set(3 * 3_600_000, limited.child.pid);
  await eventually(async () => expect((await signIn()).status).toBe(429), { within });
  await limitedClock.set(0, limited.child.pid);

  const { status, headers } = await signIn();

  expect(status).toBe(429);
  expect(Number(headers.get("retry-after"))).toBeLessThanOrEqual(60);
});

it("an offer that is repeated within 24 hours of its clock is made once, and its key is free afterwards", async () => {
  const seller = await Client.registered(market.api);
  const offer = async (key: string, price = 1) => {
    const headers = { "idempotency-key": key };
    return (await ask<Item>(seller, "POST", "/market/items", { title: "Once", price }, headers)).id;
  };
  const withdraw = async (id: string) =>
    expect((await seller.call("DELETE", `/market/items/${id}`)).status).toBe(204);
  const first = await offer("kept");
  const gone = await offer("withdrawn");
  await withdraw(gone);

  for (const hours of [23, -23]) {
    await setClock(hours);
    expect([await offer("kept"), await offer("withdrawn")]).toEqual([first, gone]);
  }
  // `createdAt` may be some hours ahead since the jumps of the other tests.
  await setClock(49);
  const [next, again] = [await offer("kept", 2), await offer("withdrawn", 2)];
  expect([first, gone]).not.toContain(next);
  expect([first, gone]).not.toContain(again);
  expect([await offer("kept", 2), await offer("withdrawn", 2)]).toEqual([next, again]);
  await setClock(0);
}, 60_000);
