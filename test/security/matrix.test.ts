/** Permissions: each route and each socket event of the contract, tried by each kind of caller. */
import { clientEvents } from "../../contracts/socket.ts";
import { routes, type Route } from "../../contracts/routes.ts";
import { errors, type ErrorCode } from "../../contracts/errors.ts";
import type { Preferences, Webhook } from "../../contracts/channels.ts";
import type { Item, Sale } from "../../contracts/market.ts";
import type { Inbox } from "../../contracts/notifications.ts";
import { Client, password, type Answer } from "../support/client.ts";
import { eventually } from "../../bin/processes/eventually.ts";
import { inputOf, pathWith, takesBody } from "../support/examples.ts";
import { startMarket, type Market } from "../support/market.ts";
import { tokenOf } from "../support/tokens.ts";

/** In this order, because the owner's own request is the one that changes something. */
const callers = ["anonymous", "expired", "revoked", "another", "owner"] as const;
type Caller = (typeof callers)[number];

/** Two users, and all that one of them can own. */
interface World {
  owner: Client;
  another: Client;
  /** The owner, by a session that was signed out of. */
  revoked: Client;
  /** The owner's: one for sale, and the sale and the notice of another; one that the owner bought. */
  item: Item;
  saleId: string;
  purchaseId: string;
  /** The owner's webhook and subscribed device. */
  webhookId: string;
  deviceId: string;
  clients: Record<Caller, Client>;
}

type Body = Record<string, unknown>;

interface Row {
  path?(world: World): string;
  body?(world: World, caller: Caller): object;
  /** A code, or a check of the answer. */
  expect: Record<
    Caller,
    ErrorCode | ((answer: Answer<Body>, world: World) => void | Promise<void>)
  >;
  /** Must hold after every caller except the owner has tried. */
  untouched?(world: World): Promise<void>;
}

const closed = {
  anonymous: "UNAUTHENTICATED",
  expired: "UNAUTHENTICATED",
  revoked: "UNAUTHENTICATED",
} as const;
const toAll = (expected: Row["expect"][Caller]): Row["expect"] => ({
  anonymous: expected,
  expired: expected,
  revoked: expected,
  another: expected,
  owner: expected,
});
const fine = ({ body }: Answer<Body>) => void expect(body?.code).toBeUndefined();
const ofItem = ({ item }: World) => item.id;
const idsIn = (list: { id: string }[]) => list.map(({ id }) => id);
const itemNow = async ({ owner, item }: World) =>
  (await owner.call<Item>("GET", `/market/items/${item.id}`)).body;
const inboxNow = async ({ owner }: World) =>
  (await owner.call<Inbox>("GET", "/notifications")).body;
const preferencesNow = async ({ owner }: World) =>
  (await owner.call<Preferences>("GET", "/notifications/preferences")).body;
const webhooksNow = async ({ owner }: World) =>
  (await owner.call<{ webhooks: Webhook[] }>("GET", "/notifications/webhooks")).body.webhooks;
const webhookUntouched = async (world: World) =>
  expect(await webhooksNow(world)).toMatchObject([{ id: world.webhookId, disabledAt: null }]);
const hasDevice =
  (has: boolean) =>
  ({ body }: Answer<Body>, { deviceId }: World) =>
    expect(idsIn(body.devices as { id: string }[])).toEqual(has ? [deviceId] : []);
const subscription = {
  endpoint: "https://updates.push.services.mozilla.com/wpush/v2/matrix",
  keys: {
    p256dh:
      "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
    auth: "BTBZMqHH6r4Tts7J_aSIgg",
  },
};
const itemUntouched = async (world: World) => expect(await itemNow(world)).toEqual(world.item);
const noticeUnread = async (world: World) => expect((await inboxNow(world)).unread).toBe(1);
const ownerStillIn = async ({ owner }: World) =>
  expect((await owner.call("GET", "/users/me")).status).toBe(200);
const lists =
  (key: string, id: (world: World) => string, isIn: boolean) =>
  (answer: Answer<Body>, world: World) => {
    const found = idsIn(answer.body[key] as { id: string }[]);
    if (isIn) expect(found).toContain(id(world));
    else expect(found).not.toContain(id(world));
  };

const rows: Record<string, Row> = {
  "POST /users": {
    body: () => ({ email: `${crypto.randomUUID()}@souk.test`, password, name: "N" }),
    expect: toAll(fine),
  },
  "POST /users/login": {
    body: ({ owner }) => ({ email: owner.session!.user.email, password }),
    expect: toAll(fine),
  },
  "POST /users/refresh": {
    // The refresh token identifies the owner; the access token sent with it is ignored.
    body: ({ clients }, caller) => ({
      refreshToken: clients[caller].session?.refreshToken ?? "none",
    }),
    expect: {
      anonymous: "UNAUTHENTICATED",
      expired: ({ body }, { owner }) => expect(body.user).toEqual(owner.session!.user),
      revoked: "UNAUTHENTICATED",
      another: ({ body }, { another }) => expect(body.user).toEqual(another.session!.user),
      owner: ({ body }, { owner }) => expect(body.user).toEqual(owner.session!.user),
    },
  },
  "POST /users/logout": {
    body: ({ owner }) => ({ refreshToken: owner.session!.refreshToken }),
    expect: {
      ...closed,
      another: "UNAUTHENTICATED",
      owner: ({ status }) => expect(status).toBe(204),
    },
    untouched: ownerStillIn,
  },
  "POST /users/password": {
    body: () => ({ password, newPassword: "a new one, and longer" }),
    // There is no way to name another account: this changes the other's own.
    expect: {
      ...closed,
      another: ({ body }, { another }) => expect(body.user).toEqual(another.session!.user),
      owner: ({ body }, { owner }) => expect(body.user).toEqual(owner.session!.user),
    },
    async untouched(world) {
      await ownerStillIn(world);
      const { email } = world.owner.session!.user;
      expect(
        (await new Client(world.owner.api).call("POST", "/users/login", { email, password }))
          .status,
      ).toBe(200);
    },
  },
  "POST /users/verification": {
    // It is about the caller's own address only.
    expect: {
      ...closed,
      another: ({ body }) => expect(body).toEqual({ isVerified: false }),
      owner: ({ body }) => expect(body).toEqual({ isVerified: false }),
    },
  },
  "POST /users/verify": {
    // Only the mail has the token, whoever is signed in.
    body: ({ owner }) => ({ token: `${owner.id}.guessed.guessed` }),
    expect: toAll("LINK_NOT_VALID"),
    async untouched({ owner }) {
      expect((await owner.call<Body>("GET", "/users/me")).body.isVerified).toBe(false);
    },
  },
  "GET /users/me": {
    expect: {
      ...closed,
      another: ({ body }, { another }) => expect(body).toEqual(another.session!.user),
      owner: ({ body }, { owner }) => expect(body).toEqual(owner.session!.user),
    },
  },
  "GET /users/:id": {
    path: ({ owner }) => owner.id,
    // The owner sees no more here than other callers.
    expect: toAll(({ body }, { owner }) =>
      expect(body).toEqual({ id: owner.id, name: owner.session!.user.name }),
    ),
  },
  "GET /market/items": { expect: toAll(lists("items", ofItem, true)) },
  "GET /market/items/:id": {
    path: ofItem,
    expect: toAll(({ body }, { item }) => expect(body).toEqual(item)),
  },
  "POST /market/items": {
    body: () => ({ title: "A lamp", price: 1 }),
    expect: {
      ...closed,
      another: ({ body }, { another }) => expect(body.sellerId).toBe(another.id),
      owner: ({ body }, { owner }) => expect(body.sellerId).toBe(owner.id),
    },
  },
  "PATCH /market/items/:id": {
    path: ofItem,
    body: () => ({ price: 7 }),
    expect: { ...closed, another: "FORBIDDEN", owner: ({ body }) => expect(body.price).toBe(7) },
    untouched: itemUntouched,
  },
  "DELETE /market/items/:id": {
    path: ofItem,
    expect: { ...closed, another: "FORBIDDEN", owner: ({ status }) => expect(status).toBe(204) },
    untouched: itemUntouched,
  },
  "POST /market/buy/:id": {
    path: ofItem,
    expect: { ...closed, another: ({ body }) => expect(body.ok).toBe(true), owner: "OWN_ITEM" },
  },
  "GET /market/purchases": {
    expect: {
      ...closed,
      another: lists("sales", ({ purchaseId }) => purchaseId, false),
      owner: lists("sales", ({ purchaseId }) => purchaseId, true),
    },
  },
  "GET /market/sales": {
    expect: {
      ...closed,
      another: lists("sales", ({ saleId }) => saleId, false),
      owner: lists("sales", ({ saleId }) => saleId, true),
    },
  },
  "GET /notifications": {
    expect: {
      ...closed,
      another: lists("notifications", ({ saleId }) => saleId, false),
      owner: lists("notifications", ({ saleId }) => saleId, true),
    },
  },
  "POST /notifications/read": {
    body: ({ saleId }) => ({ ids: [saleId] }),
    expect: { ...closed, another: fine, owner: ({ body }) => expect(body.unread).toBe(0) },
    untouched: noticeUnread,
  },
  "GET /notifications/preferences": {
    expect: { ...closed, another: hasDevice(false), owner: hasDevice(true) },
  },
  "PATCH /notifications/preferences": {
    body: () => ({ push: false }),
    expect: {
      ...closed,
      another: ({ body }) => expect(body.push).toBe(false),
      owner: ({ body }) => expect(body.push).toBe(false),
    },
    untouched: async (world) => expect((await preferencesNow(world)).push).toBe(true),
  },
  "POST /notifications/push": {
    body: () => subscription,
    expect: {
      ...closed,
      // The same browser may be used by two users.
      another: ({ body }, { deviceId }) => expect(body.id).not.toBe(deviceId),
      owner: ({ body }, { deviceId }) => expect(body.id).toBe(deviceId),
    },
  },
  "DELETE /notifications/push/:id": {
    path: ({ deviceId }) => deviceId,
    expect: { ...closed, another: "NOT_FOUND", owner: ({ status }) => expect(status).toBe(204) },
    untouched: async (world) => expect((await preferencesNow(world)).devices).toHaveLength(1),
  },
  "GET /notifications/webhooks": {
    expect: {
      ...closed,
      another: lists("webhooks", ({ webhookId }) => webhookId, false),
      owner: lists("webhooks", ({ webhookId }) => webhookId, true),
    },
  },
  "POST /notifications/webhooks": {
    body: () => ({ url: "https://shop.example/another" }),
    expect: { ...closed, another: fine, owner: fine },
    untouched: async (world) => expect(await webhooksNow(world)).toHaveLength(1),
  },
  "PATCH /notifications/webhooks/:id": {
    path: ({ webhookId }) => webhookId,
    body: () => ({ isEnabled: false }),
    expect: { ...closed, another: "NOT_FOUND", owner: fine },
    untouched: webhookUntouched,
  },
  "DELETE /notifications/webhooks/:id": {
    path: ({ webhookId }) => webhookId,
    expect: { ...closed, another: "NOT_FOUND", owner: ({ status }) => expect(status).toBe(204) },
    untouched: webhookUntouched,
  },
  "POST /notifications/webhooks/:id/rotate": {
    path: ({ webhookId }) => webhookId,
    expect: { ...closed, another: "NOT_FOUND", owner: fine },
    untouched: webhookUntouched,
  },
  "GET /notifications/webhooks/:id/deliveries": {
    path: ({ webhookId }) => webhookId,
    expect: { ...closed, another: fine, owner: fine },
  },
  "POST /notifications/webhooks/:id/deliveries/:deliveryId/replay": {
    path: ({ webhookId }) => webhookId,
    expect: { ...closed, another: "NOT_FOUND", owner: "NOT_FOUND" },
  },
  "POST /notifications/test": {
    body: ({ webhookId }) => ({ channel: "webhook", webhookId }),
    // There is nothing at the webhook's URL.
    expect: {
      ...closed,
      another: "NOT_FOUND",
      owner: ({ body }) => expect(body.isSent).toBe(false),
    },
  },
  // The token in the path decides, and the answer does not say whether it is right.
  "POST /notifications/unsubscribe/:token": {
    expect: toAll(({ body }) => expect(body).toEqual({ ok: true })),
    untouched: async (world) => expect((await preferencesNow(world)).mail).toBe(true),
  },
};

/**
 * A route without a row: the token is checked as the contract says, and nothing fails. Add a row to `rows`
 * for a route that shows or changes what one user owns, because only a row states the permissions.
 */
const rowOf = (name: string, route: Route): Row => {
  const answers = ({ status, body }: Answer<Body>) => {
    expect(status).toBeLessThan(500);
    expect(body?.code).not.toBe("UNAUTHENTICATED");
  };
  return (
    rows[name] ?? {
      ...(takesBody(route) && { body: () => inputOf(route) }),
      expect: { ...toAll(answers), ...(route.who === "user" && closed) },
    }
  );
};

let market: Market;
let third: Client;
beforeAll(async () => {
  market = await startMarket();
  third = await Client.registered(market.api);
});
afterAll(() => market?.close());

async function world(): Promise<World> {
  const [owner, another] = await Promise.all([
    Client.registered(market.api),
    Client.registered(market.api),
  ]);
  const [revoked, lapsed] = await Promise.all([
    market.signedInAgain(owner),
    market.signedInAgain(owner),
  ]);
  await revoked.call("POST", "/users/logout", { refreshToken: revoked.session!.refreshToken });
  const expired = new Client(market.api, {
    ...lapsed.session!,
    accessToken: await tokenOf(market.key, owner.id, { lives: -1 }),
  });
  const [item, sold, bought] = await Promise.all([owner.offer(), owner.offer(), third.offer()]);
  const saleOf = async (buyer: Client, { id }: Item) =>
    (await buyer.call<{ saleId: string }>("POST", `/market/buy/${id}`)).body.saleId;
  const [saleId, purchaseId] = [await saleOf(third, sold), await saleOf(owner, bought)];
  const created = async (path: string, body: object) =>
    (await owner.call<{ id: string }>("POST", path, body)).body.id;
  const webhookId = await created("/notifications/webhooks", { url: "https://shop.example/hook" });
  const deviceId = await created("/notifications/push", subscription);
  const clients = { anonymous: new Client(market.api), expired, revoked, another, owner };
  const made = { owner, another, revoked, item, saleId, purchaseId, webhookId, deviceId, clients };
  await eventually(() => noticeUnread(made));
  return made;
}

describe("each route, called by each kind of caller", () => {
  it("has only rows of existing routes", () => {
    const names = routes.map(({ method, path }) => `${method} ${path}`);
    expect(Object.keys(rows).filter((name) => !names.includes(name as never))).toEqual([]);
  });

  it.each(routes.map((route) => [`${route.method} ${route.path}`, route] as const))(
    "%s",
    async (name, route) => {
      const row = rowOf(name, route);
      const given = await world();

      for (const caller of callers) {
        if (caller === "owner") await row.untouched?.(given);
        const path = pathWith(route, row.path?.(given) ?? "none");
        const answer = await given.clients[caller].call<Body>(
          route.method,
          path,
          row.body?.(given, caller),
        );
        const expected = row.expect[caller];
        if (typeof expected === "function") {
          if (rows[name]) expect([caller, answer.status]).toEqual([caller, route.success]);
          await expected(answer, given);
        } else
          expect([caller, answer.status, answer.body?.code]).toEqual([
            caller,
            errors[expected].status,
            expected,
          ]);
      }
    },
  );

  it("refuses missing, expired and revoked tokens where the contract requires a user, and only there", () => {
    for (const route of routes) {
      if (route.path === "/users/refresh") continue; // its refresh token decides
      const { anonymous, expired, revoked } = rowOf(`${route.method} ${route.path}`, route).expect;
      for (const expected of [anonymous, expired, revoked])
        expect(expected === "UNAUTHENTICATED").toBe(route.who === "user");
    }
  });
});

type Ask = (given: World, caller: Caller) => Promise<unknown>;
const refused = (code: ErrorCode) => ({ ok: false, code, detail: expect.any(String) });
const tokenFor = ({ clients }: World, caller: Caller) => clients[caller].session?.accessToken;

/** Asked on a socket that came without a token. */
const events: Record<
  string,
  {
    ask: Ask;
    expect: Record<Caller, (given: World) => unknown>;
    untouched?(given: World): Promise<void>;
  }
> = {
  authorize: {
    ask: async (given, caller) =>
      (await market.device().connects()).ask("authorize", {
        token: tokenFor(given, caller) ?? "none",
      }),
    expect: {
      anonymous: () => refused("UNAUTHENTICATED"),
      expired: () => refused("UNAUTHENTICATED"),
      revoked: () => refused("UNAUTHENTICATED"),
      another: ({ another }) => ({ ok: true, userId: another.id }),
      owner: ({ owner }) => ({ ok: true, userId: owner.id }),
    },
  },
  read: {
    ask: async (given, caller) => {
      const device = await market.device().connects();
      await device.ask("authorize", { token: tokenFor(given, caller) ?? "none" });
      return device.ask("read", { ids: [given.saleId] });
    },
    expect: {
      anonymous: () => refused("UNAUTHENTICATED"),
      expired: () => refused("UNAUTHENTICATED"),
      revoked: () => refused("UNAUTHENTICATED"),
      another: ({ saleId }) => ({ ids: [saleId], unread: 0 }),
      owner: ({ saleId }) => ({ ids: [saleId], unread: 0 }),
    },
    untouched: noticeUnread,
  },
  heartbeat: {
    ask: async (given, caller) => {
      const device = await market.device().connects();
      await device.ask("authorize", { token: tokenFor(given, caller) ?? "none" });
      return device.ask("heartbeat", {});
    },
    expect: {
      anonymous: () => refused("UNAUTHENTICATED"),
      expired: () => refused("UNAUTHENTICATED"),
      revoked: () => refused("UNAUTHENTICATED"),
      another: () => ({ ok: true }),
      owner: () => ({ ok: true }),
    },
  },
};

describe("each event, sent by each kind of caller", () => {
  it.each(Object.keys(clientEvents))("%s", async (name) => {
    const row = events[name];
    if (!row)
      throw new Error(
        `Add a row for the event "${name}" to \`events\` in this file, with the callers that may send it.`,
      );
    const given = await world();
    for (const caller of callers) {
      if (caller === "owner") await row.untouched?.(given);
      expect([caller, await row.ask(given, caller)]).toEqual([caller, row.expect[caller](given)]);
    }
  });

  it("pushes the owner's notices to the owner's sockets only", async () => {
    const given = await world();
    const [ownerDevice, otherDevice] = [given.owner, given.another].map((client) =>
      market.device(client.session!.accessToken),
    );
    const inboxes = await Promise.all([
      ownerDevice!.receives("inbox"),
      otherDevice!.receives("inbox"),
    ]);
    expect(inboxes.map(({ notifications }) => idsIn(notifications))).toEqual([[given.saleId], []]);

    const sold = await third.call<{ saleId: Sale["id"] }>("POST", `/market/buy/${given.item.id}`);
    await ownerDevice!.shows(sold.body.saleId);
    await given.owner.call("POST", "/notifications/read", { all: true });
    await ownerDevice!.receives("read");

    const marker = await given.another.offer();
    await third.call("POST", `/market/buy/${marker.id}`);
    await otherDevice!.receives("notification");
    expect(otherDevice!.events.map(({ event }) => event)).toEqual(["inbox", "notification"]);
    expect(otherDevice!.received("notification")[0]!.data).toMatchObject({ itemId: marker.id });
  });
});
