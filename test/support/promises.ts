/** What Souk promises, told once and held on every fabric. */
import { randomUUID } from "node:crypto";
import { io, type Socket } from "socket.io-client";
import { createSouk } from "../../client/index.ts";
import type { Item, Sale } from "../../contracts/market.ts";
import type { Inbox } from "../../contracts/notifications.ts";
import type { ServerToClient } from "../../contracts/socket.ts";
import type { Session, User } from "../../contracts/users.ts";
import { Client, newAccount, newcomer, password } from "./client.ts";
import { eventually } from "../../bin/processes/eventually.ts";
import type { Fabric } from "./fabric.ts";
import { holdsToModel } from "./inbox-model.ts";

type Bought = { ok: true; saleId: string };
type Page = { items: Item[]; nextCursor: string | null };
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

export function promises(start: () => Promise<Fabric>): void {
  let fabric: Fabric;
  let seller: Client;
  let buyer: Client;
  const devices: { close(): void }[] = [];

  beforeAll(async () => {
    fabric = await start();
    [seller, buyer] = [await Client.registered(fabric.api), await Client.registered(fabric.api)];
  }, 300_000);
  afterAll(async () => {
    for (const device of devices) device.close();
    await fabric?.stop();
  }, 60_000);

  const buy = (client: Client, id: string, body?: object) =>
    client.call<Bought>("POST", `/market/buy/${id}`, body);
  const inboxOf = async (client: Client) =>
    (await client.call<Inbox>("GET", "/notifications?limit=100")).body;
  const items = async (query: string) =>
    (await new Client(fabric.api).call<Page>("GET", `/market/items?${query}`)).body;
  /** What a call inside the market was refused with. */
  const codeOf = (call: Promise<unknown>) =>
    call.then(
      () => "ok",
      (error: { type?: string }) => error.type,
    );

  async function device(client: Client) {
    const socket: Socket<ServerToClient> = io(fabric.sockets, {
      auth: { token: client.session!.accessToken },
      transports: ["websocket"],
    });
    devices.push(socket);
    await new Promise<Inbox>((resolve, reject) =>
      socket.once("inbox", resolve).once("connect_error", reject),
    );
    return { socket };
  }

  describe("a sale", () => {
    it("is told at once to every device of the seller, and waits in the inbox", async () => {
      const account = newAccount();
      const at = { url: fabric.api, socketUrl: fabric.sockets };
      const [phone, laptop, customer] = [createSouk(at), createSouk(at), await newcomer(at)];
      await phone.register(account);
      await laptop.signIn({ email: account.email, password });
      for (const inbox of [phone.inbox(), laptop.inbox()]) {
        devices.push(inbox);
        await eventually(() => expect(inbox.get().connection).toBe("live"));
      }
      const item = await phone.offer({ title: "Tea tray", price: 4500 });

      const sale = await customer.buy(item.id);

      expect(sale).toEqual({ ok: true, saleId: expect.stringMatching(uuid) });
      const notice = {
        id: sale.saleId,
        type: "sale",
        text: `Item #${item.id} was sold!`,
        data: {
          itemId: item.id,
          saleId: sale.saleId,
          title: "Tea tray",
          price: 4500,
          currency: "EUR",
          soldAt: expect.stringMatching(instant),
        },
        createdAt: expect.stringMatching(instant),
      };
      for (const inbox of [phone.inbox(), laptop.inbox()])
        await eventually(() =>
          expect(inbox.get()).toMatchObject({ notifications: [notice], unread: 1 }),
        );
      expect(await phone.notifications()).toEqual({
        notifications: [notice],
        unread: 1,
        nextCursor: null,
      });
    });

    it("happens once, however many buy at once", async () => {
      const { id } = await seller.offer();
      const before = (await inboxOf(seller)).unread;
      const buyers = Array.from({ length: 1000 }, (_, n) => `buyer-${n}-${randomUUID()}`);

      const answers = await Promise.all(
        buyers.map((user) =>
          fabric
            .call("market.buy", { id }, user)
            .catch((error: { type: string; code: number }) => `${error.code} ${error.type}`),
        ),
      );

      expect(answers.filter((answer) => typeof answer !== "string")).toHaveLength(1);
      expect(answers.filter((answer) => answer === "404 ITEM_SOLD")).toHaveLength(999);
      await eventually(async () => expect((await inboxOf(seller)).unread).toBe(before + 1));
    });

    it("is admitted for 1,000 requests at once over HTTP, and happens once", async () => {
      const { id } = await seller.offer();
      const someone = await Client.registered(fabric.api);

      const answers = await Promise.all(
        Array.from({ length: 1000 }, (_, n) => buy(n % 2 ? buyer : someone, id)),
      );

      const sales = answers.filter(({ status }) => status === 200).map(({ body }) => body.saleId);
      expect(new Set(sales).size).toBe(1);
      expect(answers.filter(({ status }) => status === 404)).toHaveLength(500);
    });

    it("is the same sale when its buyer asks again, one time or fifty at once", async () => {
      const { id } = await seller.offer();
      const first = await buy(buyer, id);

      const again = await Promise.all(Array.from({ length: 50 }, () => buy(buyer, id)));

      for (const answer of again) expect(answer.body).toEqual(first.body);
    });

    it("is not made with oneself, of an unknown item, twice, or at another price", async () => {
      const [own, gone] = [await seller.offer(), await seller.offer()];
      await buy(buyer, gone.id);
      const other = await Client.registered(fabric.api);

      expect(await buy(seller, own.id)).toMatchObject({ status: 403, body: { code: "OWN_ITEM" } });
      expect(await buy(buyer, "no-such-item")).toMatchObject({
        status: 404,
        body: { code: "ITEM_NOT_FOUND" },
      });
      expect(await buy(other, gone.id)).toMatchObject({ status: 404, body: { code: "ITEM_SOLD" } });
      expect(await buy(buyer, own.id, { price: 4199 })).toMatchObject({
        status: 409,
        body: { code: "PRICE_CHANGED" },
      });
      expect(await buy(buyer, own.id, { price: 4200 })).toMatchObject({
        status: 200,
        body: { ok: true },
      });
    });

    it("is seen by its buyer and its seller alone", async () => {
      const item = await seller.offer({ title: "Rug" });
      const { saleId } = (await buy(buyer, item.id)).body;
      const sale = {
        id: saleId,
        itemId: item.id,
        title: "Rug",
        price: 4200,
        currency: "EUR",
        sellerId: seller.id,
        buyerId: buyer.id,
      };
      const listed = async (client: Client, what: string) =>
        (await client.call<{ sales: Sale[] }>("GET", `/market/${what}`)).body.sales;

      expect((await listed(buyer, "purchases"))[0]).toEqual({
        ...sale,
        soldAt: expect.stringMatching(instant),
      });
      expect((await listed(seller, "sales"))[0]).toEqual({
        ...sale,
        soldAt: expect.stringMatching(instant),
      });
      expect(await listed(await Client.registered(fabric.api), "purchases")).toEqual([]);
      const shown = await new Client(fabric.api).call<Item>("GET", `/market/items/${item.id}`);
      expect(shown.body).toEqual({ ...item, isSold: true, soldAt: expect.stringMatching(instant) });
    });

    it("is at the price the buyer agreed to, whatever is revised meanwhile", async () => {
      for (let round = 0; round < 10; round++) {
        const { id } = await seller.offer({ price: 1000 });
        const revise = seller.call<Item>("PATCH", `/market/items/${id}`, { price: 2000 });
        const [revised, bought] = await Promise.all([revise, buy(buyer, id, { price: 1000 })]);

        const { body: item } = await buyer.call<Item>("GET", `/market/items/${id}`);
        if (bought.status === 200)
          expect([item.price, item.isSold, revised.status]).toEqual([1000, true, 404]);
        else expect([item.price, item.isSold, revised.status]).toEqual([2000, false, 200]);
      }
    });

    it("and a withdrawal exclude each other", async () => {
      for (let round = 0; round < 10; round++) {
        const { id } = await seller.offer();
        const [withdrawn, bought] = await Promise.all([
          seller.call("DELETE", `/market/items/${id}`),
          buy(buyer, id),
        ]);

        expect([withdrawn.status, bought.status].sort()).toEqual(
          withdrawn.status === 204 ? [204, 404] : [200, 404],
        );
        expect((await buyer.call("GET", `/market/items/${id}`)).status).toBe(
          withdrawn.status === 204 ? 404 : 200,
        );
      }
    });
  });

  describe("an item", () => {
    it("is shown as it was offered, trimmed, in the market's currency", async () => {
      const { status, body } = await seller.call<Item>("POST", "/market/items", {
        title: "  Émile's lamp 🪔 ",
        description: " $5.00 ",
        price: 1,
        imageUrl: "/lamp.svg",
      });

      expect(status).toBe(201);
      expect(body).toEqual({
        id: expect.stringMatching(uuid),
        title: "Émile's lamp 🪔",
        description: "$5.00",
        price: 1,
        currency: "EUR",
        imageUrl: "/lamp.svg",
        sellerId: seller.id,
        isSold: false,
        createdAt: expect.stringMatching(instant),
        soldAt: null,
      });
      expect((await buyer.call("GET", `/market/items/${body.id}`)).body).toEqual(body);
    });

    it("is revised and withdrawn by its seller alone, and only unsold", async () => {
      const { id } = await seller.offer();
      const attempts = (client: Client) =>
        Promise.all([
          client.call("PATCH", `/market/items/${id}`, { price: 5 }),
          client.call("DELETE", `/market/items/${id}`),
        ]);

      for (const { status, body } of await attempts(buyer))
        expect([status, body.code]).toEqual([403, "FORBIDDEN"]);
      expect(
        (
          await seller.call<Item>("PATCH", `/market/items/${id}`, {
            title: "Lantern",
            imageUrl: null,
          })
        ).body,
      ).toMatchObject({
        title: "Lantern",
        price: 4200,
      });
      await buy(buyer, id);
      for (const { status, body } of await attempts(seller))
        expect([status, body.code]).toEqual([404, "ITEM_SOLD"]);
    });

    it("is found by the beginnings of its words, case and accents aside, and by its new words once revised", async () => {
      const tag = `t${randomUUID().slice(0, 8)}`;
      const { id } = await seller.offer({
        title: `Crème brûlée ${tag}`,
        description: "for TWO people",
      });
      const found = async (search: string) =>
        (await items(`search=${encodeURIComponent(search)}`)).items.map((item) => item.id);

      for (const search of [tag, `${tag} creme`, `BRÛL ${tag}`, `${tag} peop tw`])
        expect(await found(search)).toEqual([id]);
      for (const search of [`${tag} rulee`, `${tag} three`, `${tag}x`, "!?"])
        expect(await found(search)).toEqual([]);
      await seller.call("PATCH", `/market/items/${id}`, { title: `Flan ${tag}` });
      expect([await found(`${tag} flan two`), await found(`${tag} creme`)]).toEqual([[id], []]);
    });
  });

  describe("a list of items", () => {
    it.each(["newest", "price", "-price"])(
      "by %s neither skips nor repeats while items are added",
      async (sort) => {
        const shop = await Client.registered(fabric.api);
        const offered = await Promise.all(
          Array.from({ length: 23 }, (_, n) => shop.offer({ price: 1 + (n % 4) })),
        );
        const seen: Item[] = [];
        let cursor: string | null = "";
        while (cursor !== null) {
          const page: Page = await items(
            `sellerId=${shop.id}&sort=${sort}&limit=5${cursor && `&cursor=${cursor}`}`,
          );
          seen.push(...page.items);
          cursor = page.nextCursor;
          await shop.offer({ price: 2 });
        }

        const ids = seen.map(({ id }) => id);
        expect(new Set(ids).size).toBe(ids.length);
        expect(ids).toEqual(expect.arrayContaining(offered.map(({ id }) => id)));
        const prices = seen.map(({ price }) => price);
        if (sort !== "newest")
          expect(prices).toEqual(prices.toSorted((a, b) => (sort === "price" ? a - b : b - a)));
      },
    );

    it("shows sold and unsold ones apart, or both", async () => {
      const shop = await Client.registered(fabric.api);
      const [sold, unsold] = [await shop.offer(), await shop.offer()];
      await buy(buyer, sold.id);
      const ids = async (query: string) =>
        (await items(`sellerId=${shop.id}${query}`)).items.map(({ id }) => id);

      expect([await ids("&sold=true"), await ids("&sold=false"), await ids("")]).toEqual([
        [sold.id],
        [unsold.id],
        [unsold.id, sold.id],
      ]);
    });

    it("refuses cursors of other lists and limits out of bounds", async () => {
      await Promise.all([seller.offer(), seller.offer()]);
      const { nextCursor } = await items(`limit=1`);
      for (const query of [
        `sort=price&cursor=${nextCursor}`,
        "cursor=AAAA",
        "limit=0",
        "limit=101",
        "limit=1.5",
        "limit=many",
        "sort=oldest",
      ])
        expect(await buyer.call("GET", `/market/items?${query}`)).toMatchObject({
          status: 400,
          body: { code: "BAD_DATA" },
        });
    });
  });

  describe("a user", () => {
    it("has an e-mail address that nobody else has, however many register it at once, in whatever case", async () => {
      const email = `${randomUUID()}@Souk.Test`;
      const register = (n: number) =>
        new Client(fabric.api).call<Session>("POST", "/users", {
          email: n % 2 ? email : email.toUpperCase(),
          password,
          name: "N",
        });

      const answers = await Promise.all(Array.from({ length: 100 }, (_, n) => register(n)));

      expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
      for (const { body } of answers.filter(({ status }) => status !== 201))
        expect(body).toMatchObject({ status: 409, code: "EMAIL_TAKEN" });
    }, 60_000);

    it("is known to others by name alone", async () => {
      const { user } = seller.session!;
      expect(user).toEqual({
        id: expect.stringMatching(uuid),
        name: user.name,
        email: `${user.name}@souk.test`,
        createdAt: expect.stringMatching(instant),
      });
      expect((await seller.call<User>("GET", "/users/me")).body).toEqual(user);
      expect((await buyer.call("GET", `/users/${user.id}`)).body).toEqual({
        id: user.id,
        name: user.name,
      });
      expect(await buyer.call("GET", "/users/nobody")).toMatchObject({
        status: 404,
        body: { code: "NOT_FOUND" },
      });
    });

    it("signs in with the right password alone", async () => {
      const { email } = seller.session!.user;
      const login = (body: object) =>
        new Client(fabric.api).call<Session>("POST", "/users/login", body);

      expect(await login({ email: email.toUpperCase(), password })).toMatchObject({
        status: 200,
        body: { user: { email }, expiresIn: 900 },
      });
      const [wrong, unknown] = [
        await login({ email, password: "wrong password" }),
        await login({ email: "nobody@souk.test", password }),
      ];
      expect([wrong.status, unknown.status]).toEqual([401, 401]);
      expect({ ...wrong.body, requestId: "" }).toEqual({ ...unknown.body, requestId: "" });
    });

    it("refreshes with each refresh token once; a second time ends the session", async () => {
      const client = await Client.registered(fabric.api);
      const { refreshToken } = client.session!;
      const refresh = (refreshToken: string) =>
        new Client(fabric.api).call<Session>("POST", "/users/refresh", { refreshToken });

      const next = await refresh(refreshToken);
      expect(next).toMatchObject({ status: 200, body: { user: client.session!.user } });
      expect(await refresh(refreshToken)).toMatchObject({
        status: 401,
        body: { code: "UNAUTHENTICATED" },
      });
      expect(await refresh(next.body.refreshToken)).toMatchObject({ status: 401 });
      await eventually(async () =>
        expect((await client.call("GET", "/users/me")).status).toBe(401),
      );
    });

    it("refreshes once for all who ask with one idempotency key: the next token is the same for all, and good", async () => {
      const client = await Client.registered(fabric.api);
      const refresh = (body: object) =>
        new Client(fabric.api).call<Session>("POST", "/users/refresh", body);
      const again = { refreshToken: client.session!.refreshToken, idempotencyKey: randomUUID() };

      const answers = [
        ...(await Promise.all([refresh(again), refresh(again), refresh(again)])),
        await refresh(again),
      ];

      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
      const [next, ...others] = new Set(answers.map(({ body }) => body.refreshToken));
      expect(others).toEqual([]);
      expect(await refresh({ refreshToken: next })).toMatchObject({
        status: 200,
        body: { user: client.session!.user },
      });
    });

    it("is out of a session once signed out of it: its tokens are refused and its sockets closed, other sessions go on", async () => {
      const client = await Client.registered(fabric.api);
      const { email } = client.session!.user;
      const other = new Client(
        fabric.api,
        (await client.call<Session>("POST", "/users/login", { email, password })).body,
      );
      const { socket } = await device(client);

      expect(
        (await client.call("POST", "/users/logout", { refreshToken: client.session!.refreshToken }))
          .status,
      ).toBe(204);

      await eventually(() => expect(socket.connected).toBe(false));
      await eventually(async () =>
        expect((await client.call("GET", "/users/me")).status).toBe(401),
      );
      expect(
        (
          await client.call("POST", "/users/refresh", {
            refreshToken: client.session!.refreshToken,
          })
        ).status,
      ).toBe(401);
      expect((await other.call("GET", "/users/me")).status).toBe(200);
    });

    it("ends every other session by changing the password", async () => {
      const client = await Client.registered(fabric.api);
      const { email } = client.session!.user;
      const old = client.session!;

      expect(
        await client.call("POST", "/users/password", {
          password: "not this one",
          newPassword: "a new password",
        }),
      ).toMatchObject({
        status: 403,
      });
      const changed = await client.call<Session>("POST", "/users/password", {
        password,
        newPassword: "a new password",
      });

      expect(changed.status).toBe(200);
      await eventually(async () =>
        expect((await client.call("GET", "/users/me")).status).toBe(401),
      );
      expect(
        (await client.call("POST", "/users/refresh", { refreshToken: old.refreshToken })).status,
      ).toBe(401);
      expect((await new Client(fabric.api, changed.body).call("GET", "/users/me")).status).toBe(
        200,
      );
      expect((await client.call("POST", "/users/login", { email, password })).status).toBe(401);
      expect(
        (await client.call("POST", "/users/login", { email, password: "a new password" })).status,
      ).toBe(200);
    });
  });

  describe("a notice", () => {
    it("is stored and counted once, however often it is told", async () => {
      const user = await Client.registered(fabric.api);
      const notice = {
        id: randomUUID(),
        userId: user.id,
        text: "Hello",
        data: { kept: { "a.b": 1, $set: 2 } },
      };

      const answers = await Promise.all(
        Array.from({ length: 20 }, () => fabric.call("notifications.notify", notice)),
      );

      for (const answer of answers) expect(answer).toEqual({ ok: true, id: notice.id });
      expect(await inboxOf(user)).toMatchObject({
        unread: 1,
        notifications: [{ id: notice.id, data: notice.data }],
      });
    });

    it("is stored and counted once, also when it is told among others, again and alone", async () => {
      const [user, other] = [
        await Client.registered(fabric.api),
        await Client.registered(fabric.api),
      ];
      const to = ({ session }: Client) => ({
        id: randomUUID(),
        userId: session!.user.id,
        text: "Hello",
      });
      const notices = [
        ...Array.from({ length: 50 }, () => to(user)),
        ...Array.from({ length: 50 }, () => to(other)),
      ];
      const { socket } = await device(user);
      const heard = new Set<string>();
      socket.on("notification", ({ id }) => heard.add(id));

      const answers = await Promise.all([
        fabric.call("notifications.notifyAll", { notices }),
        fabric.call("notifications.notifyAll", {
          notices: [...notices.slice(50), ...notices.slice(0, 50)],
        }),
        fabric.call("notifications.notify", notices[0]!),
      ]);

      expect(answers).toEqual([{ ok: true }, { ok: true }, { ok: true, id: notices[0]!.id }]);
      expect([(await inboxOf(user)).unread, (await inboxOf(other)).unread]).toEqual([50, 50]);
      await eventually(() =>
        expect(heard).toEqual(new Set(notices.slice(0, 50).map(({ id }) => id))),
      );
    });

    it("waits for a user who has never been seen", async () => {
      expect(
        await fabric.call("notifications.notify", { userId: randomUUID(), text: "Hello" }),
      ).toEqual({
        ok: true,
        id: expect.stringMatching(uuid),
      });
    });

    it.each([
      ["no user", { text: "Hello" }],
      ["no text", { userId: "u" }],
      ["an empty text", { userId: "u", text: "" }],
      ["a user that is an object", { userId: { $ne: 1 }, text: "Hello" }],
    ])("is refused with %s", async (_what, notice) => {
      expect(await codeOf(fabric.call("notifications.notify", notice as never))).toBe("BAD_DATA");
    });

    it("is read by its own user alone, on every device", async () => {
      const [user, stranger] = [
        await Client.registered(fabric.api),
        await Client.registered(fabric.api),
      ];
      const { id } = await fabric.call("notifications.notify", { userId: user.id, text: "Hello" });
      const { socket } = await device(user);
      const heard = new Promise((resolve) => socket.once("read", resolve));

      expect((await stranger.call("POST", "/notifications/read", { ids: [id] })).body).toEqual({
        unread: 0,
      });
      expect((await inboxOf(user)).unread).toBe(1);
      expect((await user.call("POST", "/notifications/read", { ids: [id] })).body).toEqual({
        unread: 0,
      });
      expect(await heard).toEqual({ ids: [id], unread: 0 });
    });

    it(
      "leaves the right count, whatever is told, repeated and read in whatever order",
      () => holdsToModel(fabric.call),
      60_000,
    );

    it("is listed newest first, in pages, unread ones apart", async () => {
      const user = await Client.registered(fabric.api);
      const ids: string[] = [];
      for (let n = 0; n < 5; n++)
        ids.unshift(
          (await fabric.call("notifications.notify", { userId: user.id, text: `${n}` })).id,
        );
      await user.call("POST", "/notifications/read", { ids: [ids[1]] });
      const page = async (query: string) =>
        (await user.call<Inbox>("GET", `/notifications?${query}`)).body;

      const first = await page("limit=3");
      const rest = await page(`limit=3&cursor=${first.nextCursor}`);
      expect([...first.notifications, ...rest.notifications].map(({ id }) => id)).toEqual(ids);
      expect([first.unread, rest.nextCursor]).toEqual([4, null]);
      expect((await page("unread=true")).notifications.map(({ id }) => id)).toEqual(
        ids.filter((_, n) => n !== 1),
      );
    });
  });
}
