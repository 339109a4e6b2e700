/** The client against a real market: sessions and inboxes that recover from failures. */
import { createHash } from "node:crypto";
import { once, setMaxListeners } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import {
  createSouk,
  type InboxState,
  type LiveInbox,
  type Souk,
  type SoukOptions,
} from "../../client/index.ts";
import type { Session } from "../../contracts/users.ts";
import { newAccount, newcomer, password } from "../support/client.ts";
import { eventually } from "../../bin/processes/eventually.ts";
import { startMarket, type Market } from "../support/market.ts";
import { startNode, temporaryFolder } from "../../bin/processes/node-process.ts";
import { Proxy } from "../support/proxy.ts";
import { tokenOf } from "../support/tokens.ts";
import { problem, RecordingFetch } from "../support/recording-fetch.ts";

let market: Market;
let buyer: Souk;
beforeAll(async () => {
  market = await startMarket();
  buyer = await newcomer({ url: market.api });
}, 300_000);
afterAll(() => market.close());

const closing: (() => unknown)[] = [];
/** The window of the page in which the clients run. */
const page = new EventTarget();
setMaxListeners(0, page);
beforeAll(() => Object.assign(globalThis, { addEventListener: page.addEventListener.bind(page) }));
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** A client with all states of its inbox, and the ids of the notices that it emitted. */
interface Device {
  souk: Souk;
  recorder: RecordingFetch;
  inbox: LiveInbox;
  states: InboxState[];
  emitted: string[];
}

function device(options: Partial<SoukOptions> = {}): Device {
  const recorder = new RecordingFetch();
  const souk = createSouk({ url: market.api, fetch: recorder.fetch, ...options });
  const inbox = souk.inbox();
  const [states, emitted]: [InboxState[], string[]] = [[], []];
  inbox.subscribe((state) => states.push(state));
  inbox.onNotification(({ id }) => emitted.push(id));
  closing.push(() => inbox.close());
  return { souk, recorder, inbox, states, emitted };
}

const isLive = ({ inbox }: Device) =>
  eventually(() => expect(inbox.get().connection).toBe("live"), { within: 60_000 });
const shown = ({ inbox }: Device) => inbox.get().notifications.map(({ id }) => id);

/** A seller, signed in on `count` devices, all live. */
async function seller(count = 1, options: Partial<SoukOptions> = {}): Promise<Device[]> {
  const { name, ...account } = newAccount();
  const devices = Array.from({ length: count }, () => device(options));
  for (const [n, { souk }] of devices.entries())
    await (n === 0 ? souk.register({ name, ...account }) : souk.signIn(account));
  await Promise.all(devices.map(isLive));
  return devices;
}

/** Sells another item of that seller. Returns the id of the sale, which is the id of its notice. */
async function sale({ souk }: Device): Promise<string> {
  const { id } = await souk.offer({ title: "Lamp", price: 4_200 });
  return (await buyer.buy(id)).saleId;
}

/** A proxy between the client and the sockets. */
async function network(): Promise<{ proxy: Proxy; socketUrl: string }> {
  const proxy = await Proxy.before(Number(new URL(market.sockets).port));
  closing.push(() => proxy.close());
  return { proxy, socketUrl: `http://127.0.0.1:${proxy.port}` };
}

describe("an inbox", () => {
  it("shows a sale on every device once, and removes it everywhere when it is read", async () => {
    const [phone, laptop] = (await seller(2)) as [Device, Device];

    const [first, second] = [await sale(phone), await sale(phone)];
    for (const one of [phone, laptop])
      await eventually(() => expect(shown(one)).toEqual([second, first]));
    expect([phone.emitted, laptop.emitted]).toEqual([
      [first, second],
      [first, second],
    ]);

    await phone.inbox.read([first]);
    expect([shown(phone), phone.inbox.get().unread]).toEqual([[second], 1]);
    await eventually(() =>
      expect([shown(laptop), laptop.inbox.get().unread]).toEqual([[second], 1]),
    );
    await laptop.inbox.read("all");
    await eventually(() => expect([shown(phone), phone.inbox.get().unread]).toEqual([[], 0]));
  });

  it("loads older notices by page, counts those that are not loaded, and marks all as read", async () => {
    const [phone] = (await seller()) as [Device];
    const sales: string[] = [];
    while (sales.length < 60) sales.unshift(await sale(phone));
    const laptop = device();
    await laptop.souk.signIn({ email: phone.souk.session.get().user!.email, password });
    await isLive(laptop);
    expect([shown(laptop), laptop.inbox.get().unread]).toEqual([sales.slice(0, 50), 60]);

    await Promise.all([laptop.inbox.more(), laptop.inbox.more()]);
    expect([shown(laptop), laptop.inbox.get()]).toMatchObject([
      sales,
      { unread: 60, nextCursor: null },
    ]);
    await laptop.inbox.more();
    expect(laptop.emitted).toEqual([]);

    const late = device();
    await late.souk.signIn({ email: phone.souk.session.get().user!.email, password });
    await isLive(late);
    await late.inbox.read("all");
    for (const one of [phone, laptop, late])
      await eventually(() => expect([shown(one), one.inbox.get().unread]).toEqual([[], 0]));
  });

  it("polls, and shows missed notices and not those that were read", async () => {
    const { proxy, socketUrl } = await network();
    const [phone] = (await seller(1, { socketUrl })) as [Device];
    const seen = await sale(phone);
    await eventually(() => expect(phone.emitted).toEqual([seen]));

    await proxy.refuse();
    await eventually(() => expect(phone.inbox.get().connection).toBe("polling"), {
      within: 60_000,
    });
    const [first, second] = [await sale(phone), await sale(phone)];
    await eventually(async () => expect((await phone.souk.notifications()).unread).toBe(3));
    await phone.souk.read({ ids: [seen] });
    page.dispatchEvent(new Event("focus"));
    await eventually(() => expect(shown(phone)).toEqual([second, first]), { within: 60_000 });
    expect(phone.inbox.get()).toMatchObject({ connection: "polling", unread: 2 });
    await proxy.admit();
    page.dispatchEvent(new Event("focus"));
    await isLive(phone);
    expect([shown(phone), phone.inbox.get().unread]).toEqual([[second, first], 2]);
    expect(phone.emitted).toEqual([seen, first, second]);
  }, 300_000);

  it("lists read and unread notices, with older ones, and follows sales and reads on every device", async () => {
    const [phone, laptop] = (await seller(2)) as [Device, Device];
    const history = phone.inbox.history();
    expect(phone.inbox.history()).toBe(history);
    const listed = () => history.get().notifications.map(({ id, isRead }) => [id, isRead]);
    const first = await sale(phone);
    await eventually(() => expect(listed()).toEqual([[first, false]]));
    await laptop.inbox.read([first]);
    const second = await sale(phone);
    const third = await sale(phone);
    const expected = [
      [third, false],
      [second, false],
      [first, true],
    ];
    await eventually(() => expect(listed()).toEqual(expected));
    await laptop.inbox.read("all");
    await eventually(() =>
      expect(listed().map(([, isRead]) => isRead)).toEqual([true, true, true]),
    );

    const late = device();
    await late.souk.signIn({ email: phone.souk.session.get().user!.email, password });
    const lateHistory = late.inbox.history();
    await eventually(() => expect(lateHistory.get().status).toBe("loaded"));
    expect(lateHistory.get().notifications).toEqual(history.get().notifications);
    expect(lateHistory.get().notifications[0]).toMatchObject({
      type: "sale",
      data: { price: 4_200 },
    });
    await late.souk.signOut();
    expect(lateHistory.get()).toMatchObject({ status: "unknown", notifications: [] });
  });

  it("is one object: silent after `close`, and live again at the next call", async () => {
    const [phone] = (await seller()) as [Device];
    expect(phone.souk.inbox()).toBe(phone.inbox);

    phone.inbox.close();
    expect(phone.inbox.get().connection).toBe("paused");
    const missed = await sale(phone);
    phone.souk.inbox();

    await eventually(() => expect(phone.emitted).toEqual([missed]));
  });

  it("shows nothing of the previous user after another one signs in", async () => {
    const [phone] = (await seller()) as [Device];
    await sale(phone);
    await eventually(() => expect(phone.inbox.get().unread).toBe(1));

    await phone.souk.signOut();
    expect(phone.inbox.get()).toEqual({
      status: "unknown",
      readAt: null,
      notifications: [],
      unread: null,
      nextCursor: null,
      connection: "signedOut",
      error: null,
    });
    const before = phone.states.length;
    await phone.souk.register(newAccount());
    await isLive(phone);

    expect(
      phone.states.slice(before).filter(({ unread }) => unread !== null && unread > 0),
    ).toEqual([]);
    const own = await sale(phone);
    await eventually(() => expect(shown(phone)).toEqual([own]));
  });

  it("shows nothing of the previous user, even while it is closed", async () => {
    const [phone] = (await seller()) as [Device];
    await sale(phone);
    await eventually(() => expect(phone.inbox.get().unread).toBe(1));
    phone.inbox.close();
    expect(phone.inbox.get().unread).toBe(1);

    await phone.souk.register(newAccount());

    expect(phone.inbox.get()).toMatchObject({ notifications: [], unread: null });
  });

  it("fails to mark as read with the error's code when notifications is unavailable, and stays unchanged", async () => {
    const [phone] = (await seller()) as [Device];
    await sale(phone);
    await eventually(() => expect(phone.inbox.get().unread).toBe(1));
    phone.recorder.instead = () => problem(503, "UNAVAILABLE");

    await expect(phone.inbox.read("all")).rejects.toMatchObject({
      name: "SoukError",
      code: "UNAVAILABLE",
    });

    expect(phone.inbox.get()).toMatchObject({ unread: 1, connection: "live" });
  });
});

/** Answers a request for a WebSocket in its own way. Returns its URL. */
async function socketServer(answer: (socket: Duplex, key: string) => void): Promise<string> {
  const open = new Set<Duplex>();
  const server = createServer((_, response) => response.writeHead(403).end());
  server.on("upgrade", ({ headers }, socket: Duplex) => {
    open.add(socket.on("error", () => {}));
    answer(socket, headers["sec-websocket-key"]!);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  closing.push(() => {
    server.close();
    for (const socket of open) socket.destroy();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
const upgraded = (key: string) => {
  const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`);
  return `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept.digest("base64")}\r\n\r\n`;
};

it("an inbox without a WebSocket is unknown first, then shows its notices, and those that follow, and is not called live", async () => {
  const [laptop] = (await seller()) as [Device];
  const first = await sale(laptop);
  await eventually(() => expect(laptop.emitted).toEqual([first]));
  const forbidden = "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n";
  const urls = {
    refused: "http://127.0.0.1:9",
    "answered with an HTTP error": await socketServer((socket) => socket.end(forbidden)),
    "accepted and never answered": await socketServer(() => {}),
    "upgraded and then silent": await socketServer((socket, key) => socket.write(upgraded(key))),
  };
  const phones = Object.entries(urls).map(([kind, socketUrl]) => ({
    kind,
    ...device({ socketUrl }),
  }));
  const { email } = laptop.souk.session.get().user!;
  for (const { souk } of phones) await souk.signIn({ email, password });

  const all = <T>(look: (phone: Device) => T) => phones.map((phone) => [phone.kind, look(phone)]);
  const each = <T>(value: T) => phones.map(({ kind }) => [kind, value]);
  await eventually(() => expect(all(shown)).toEqual(each([first])), { within: 60_000 });
  const second = await sale(laptop);
  await eventually(() => expect(all(({ emitted }) => emitted)).toEqual(each([second])), {
    within: 60_000,
  });

  const { status, connection, unread } = phones[0]!.inbox.get();
  expect({ status, connection, unread }).toEqual({
    status: "loaded",
    connection: "polling",
    unread: 2,
  });
  const isHonest = ({ status, unread, connection }: InboxState) =>
    connection !== "live" && (status === "loaded") === (unread !== null);
  expect(all(({ states }) => states.every(isHonest))).toEqual(each(true));
  await phones[0]!.inbox.read("all");
  expect(phones[0]!.inbox.get().unread).toBe(0);
});

describe("a connection that dies silently", () => {
  it.each([
    ["the page is focused", "focus"],
    ["the network is back", "online"],
  ])("is replaced within seconds when %s", async (_, event) => {
    const { proxy, socketUrl } = await network();
    const [phone] = (await seller(1, { socketUrl })) as [Device];
    proxy.silence(1, "up", "down");
    const missed = await sale(phone);

    page.dispatchEvent(new Event(event));

    // Without that event, the connection would be noticed after 25 s.
    await eventually(() => expect(phone.emitted).toEqual([missed]), { within: 20_000 });
    await isLive(phone);
  });
});

describe("an access token that expires after six seconds", () => {
  /** Changes the server's tokens into short-lived ones. */
  const shortLived = (recorder: RecordingFetch) => {
    recorder.changed = async (_, body: Session) =>
      body.accessToken
        ? {
            ...body,
            accessToken: await tokenOf(market.key, body.user.id, { lives: 6 }),
            expiresIn: 6,
          }
        : body;
  };

  it("is replaced on the live socket before it expires, without an interruption", async () => {
    const phone = device();
    shortLived(phone.recorder);
    await phone.souk.register(newAccount());
    await isLive(phone);
    const from = phone.states.length;

    await eventually(
      () => expect(phone.recorder.to("/users/refresh").length).toBeGreaterThanOrEqual(2),
      { within: 60_000 },
    );
    const last = await sale(phone);
    await eventually(() => expect(phone.emitted).toEqual([last]));

    expect(phone.states.slice(from).filter(({ connection }) => connection !== "live")).toEqual([]);
  }, 300_000);

  it("pauses the inbox when it expires while the users service is unavailable, until that is back", async () => {
    const phone = device();
    shortLived(phone.recorder);
    await phone.souk.register(newAccount());
    await isLive(phone);

    phone.recorder.instead = ({ path }) =>
      path === "/users/refresh" ? problem(503, "UNAVAILABLE") : undefined;
    await eventually(() => expect(phone.inbox.get().connection).toBe("paused"), { within: 60_000 });
    expect(phone.souk.session.get().status).toBe("signedIn");
    phone.recorder.instead = () => undefined;

    await isLive(phone);
    const missed = await sale(phone);
    await eventually(() => expect(phone.emitted).toEqual([missed]));
  }, 300_000);
});

describe("a socket", () => {
  it("reconnects with a fresh token when its token is refused", async () => {
    const phone = device();
    phone.recorder.changed = ({ path }, body: Session) =>
      path === "/users" ? { ...body, accessToken: "a.b.c" } : body;
    await phone.souk.register(newAccount());

    await isLive(phone);

    expect(phone.recorder.to("/users/refresh")).toHaveLength(1);
  });

  it("is closed, and its user signed out, when another device ended the session", async () => {
    const [phone, laptop] = (await seller(2)) as [Device, Device];

    await phone.souk.changePassword({ password, newPassword: `${password} staple` });

    await eventually(() => expect(laptop.inbox.get().connection).toBe("signedOut"));
    expect(laptop.souk.session.get()).toEqual({ user: null, status: "signedOut" });
    const kept = await sale(phone);
    await eventually(() => expect(phone.emitted).toEqual([kept]), { within: 60_000 });
    expect(phone.inbox.get().connection).toBe("live");
  });

  it("reconnects when the connection breaks", async () => {
    const { proxy, socketUrl } = await network();
    const [phone] = (await seller(1, { socketUrl })) as [Device];
    for (let round = 0; round < 3; round++) {
      const before = phone.states.length;
      proxy.cut();
      await eventually(() => expect(phone.states.slice(before).at(-1)?.connection).toBe("live"), {
        within: 60_000,
      });
    }
    const last = await sale(phone);
    await eventually(() => expect(phone.emitted).toEqual([last]));
  }, 300_000);
});

it("reconnects to a market that was killed and restarted, emits each notice once, and does not make an item twice whose answer was lost", async () => {
  const folder = temporaryFolder();
  const env = { DATA_DIR: folder.path, RATE_SCALE: "1000" };
  let node = await startNode([], env);
  closing.push(async () => {
    await node.end("SIGKILL");
    folder.remove();
  });
  const [phone, other] = [device({ url: node.api }), await newcomer({ url: node.api })];
  await phone.souk.register(newAccount());
  await isLive(phone);
  const buy = async () =>
    (await other.buy((await phone.souk.offer({ title: "Lamp", price: 1 })).id)).saleId;
  const first = await buy();
  await eventually(() => expect(phone.emitted).toEqual([first]));

  const [port, socketPort] = [node.api, node.sockets].map((url) => new URL(url).port);
  const offer = { title: "Zither", price: 1, idempotencyKey: "zither-1" };
  const stored = async () => (await other.items({ search: "zither" })).items;
  const offering = phone.souk.offer(offer).catch(() => {});
  await eventually(async () => expect(await stored()).toHaveLength(1), { every: 1 });
  await Promise.all([node.end("SIGKILL"), offering]);
  await eventually(() => expect(phone.inbox.get().connection).not.toBe("live"));
  node = await startNode([], { ...env, PORT: port!, SOCKET_PORT: socketPort! });

  await isLive(phone);
  expect(await stored()).toEqual([await phone.souk.offer(offer)]);
  const second = await buy();
  await eventually(() => expect(phone.emitted).toEqual([first, second]));
  expect(shown(phone)).toEqual([second, first]);
}, 300_000);
