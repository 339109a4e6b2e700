import { randomUUID } from "node:crypto";
import type { Session, User } from "../../../contracts/users.ts";
import { Client, password } from "../client.ts";
import { eventually } from "../../../bin/processes/eventually.ts";
import type { Fabric } from "../fabric.ts";
import { instant, uuid, type Fixture } from "./fixture.ts";

export function userPromises(fixture: Fixture): void {
  const { device } = fixture;
  let fabric: Fabric;
  let seller: Client;
  let buyer: Client;
  beforeAll(() => void ({ fabric, seller, buyer } = fixture));

  describe("a user", () => {
    it("has a unique email address, however many register it at once, in upper or lower case", async () => {
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
    });

    it("is registered once by all requests with one idempotency key, which all sign in", async () => {
      const email = `${randomUUID()}@souk.test`;
      const register = (key: string, changes = {}) =>
        new Client(fabric.api).call<Session>(
          "POST",
          "/users",
          { email, password, name: "N", ...changes },
          { "idempotency-key": key },
        );
      const key = randomUUID();

      const answers = await Promise.all(Array.from({ length: 5 }, () => register(key)));

      for (const { status, body } of answers) {
        expect([status, body.user]).toEqual([201, answers[0]!.body.user]);
        const me = await new Client(fabric.api, body).call("GET", "/users/me");
        expect([me.status, me.body]).toEqual([200, body.user]);
      }
      for (const changes of [{ name: "M" }, { password: "another correct horse" }])
        expect(await register(key, changes)).toMatchObject({
          status: 422,
          body: { code: "IDEMPOTENCY_KEY_REUSED" },
        });
      expect(await register(randomUUID())).toMatchObject({ status: 409 });
    });

    it("has one account and one password, in whichever form the domain and the letters are typed", async () => {
      const [name, typed] = [randomUUID(), "Crème brûlée nº 12"];
      const [nfc, nfd] = [typed.normalize("NFC"), typed.normalize("NFD")];
      const anonymous = new Client(fabric.api);
      const canonical = `${name}@xn--exmple-cua.test`;
      const register = (email: string) =>
        anonymous.call<Session>("POST", "/users", { email, password: nfc, name: "N" });
      const { status, body } = await register(`${name}@EXÄMPLE.test`);
      expect([status, body.user.email]).toEqual([201, canonical]);

      for (const domain of ["exämple.test", "exa\u0308mple.test", "XN--exmple-cua.test"]) {
        expect(await register(`${name}@${domain}`)).toMatchObject({
          body: { code: "EMAIL_TAKEN" },
        });
        const credentials = { email: `${name}@${domain}`, password: nfd };
        expect(await anonymous.call<Session>("POST", "/users/login", credentials)).toMatchObject({
          status: 200,
          body: { user: body.user },
        });
      }
      expect(await register(`${name}@exa..mple.test`)).toMatchObject({
        body: { code: "BAD_DATA", errors: [{ field: "email" }] },
      });
    });

    it("shows other users only the name", async () => {
      const { user } = seller.session!;
      expect(user).toEqual({
        id: expect.stringMatching(uuid),
        name: user.name,
        email: `${user.name}@souk.test`,
        createdAt: expect.stringMatching(instant),
        isVerified: false,
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

    it("signs in only with the correct password", async () => {
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
      expect(wrong).toMatchObject({ status: 401, body: { code: "INVALID_CREDENTIALS" } });
      expect(wrong.headers.get("www-authenticate")).toBe("Bearer");
      expect(unknown.status).toBe(401);
      expect({ ...wrong.body, requestId: "" }).toEqual({ ...unknown.body, requestId: "" });
    });

    it("refreshes once with each refresh token; a reuse ends the session", async () => {
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

    it("gets the same valid token for every refresh with one idempotency key", async () => {
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

    it("signs out of one session: its tokens are refused and its sockets closed, other sessions continue", async () => {
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

    it("ends all other sessions when it changes the password", async () => {
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
}
