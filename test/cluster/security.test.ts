/** Revoked sessions, key rotation and secrets, on several nodes. */
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { decodeProtectedHeader } from "jose";
import { MongoClient } from "mongodb";
import { encode, newKeyPair } from "../../broker/keys.ts";
import type { Session } from "../../contracts/users.ts";
import type { AccountDocument } from "../../domain/account.ts";
import { parseRefreshToken, sessionExpiry } from "../../domain/sessions.ts";
import { Client, password } from "../support/client.ts";
import { Device } from "../support/device.ts";
import { eventually } from "../../bin/processes/eventually.ts";
import { clusterEnv, envOf } from "../../bin/processes/cluster-env.ts";
import { startNode, type Node } from "../../bin/processes/node-process.ts";
import {
  SERVER_START,
  sharedMongo,
  sharedRabbit,
  type Shared,
} from "../../bin/processes/servers.ts";
import { tokenOf } from "../support/tokens.ts";

let rabbit: Shared;
let mongo: Shared;
let env: ReturnType<typeof clusterEnv>;
/** Two nodes of each service that verifies tokens. */
let apis: Node[];
let inboxes: Node[];
let users: Node;
const devices: Device[] = [];

beforeAll(async () => {
  [rabbit, mongo] = await Promise.all([sharedRabbit(), sharedMongo()]);
  env = clusterEnv(rabbit.url, mongo.url);
  [users, ...apis] = await Promise.all([start("users"), start("api"), start("api")]);
  inboxes = await Promise.all([start("notifications"), start("notifications")]);
  for (const node of apis) await untilAvailable(node);
}, SERVER_START);
afterAll(async () => {
  for (const device of devices) device.close();
  await Promise.all([users, ...(apis ?? []), ...(inboxes ?? [])].map((node) => node?.end()));
  await Promise.all([rabbit?.stop(), mongo?.stop()]);
}, 60_000);

const start = (name: string, change: object = {}) =>
  startNode([name], {
    ...envOf(name, env),
    NODE_ID: `${name}-${randomUUID().slice(0, 8)}`,
    ...change,
  });
/** Waits for users and notifications. No test here needs market. */
const untilAvailable = ({ api }: Node) =>
  eventually(
    async () => {
      const { services } = (await (await fetch(`${api}/health/ready`)).json()) as {
        services: Record<string, string>;
      };
      expect(services).toMatchObject({ users: "up", notifications: "up" });
    },
    { within: 15_000 },
  );
const me = async ({ api }: Node, { accessToken }: Session) =>
  (await new Client(api, { accessToken } as Session).call("GET", "/users/me")).status;
const everywhere = (session: Session) => Promise.all(apis.map((node) => me(node, session)));

async function signedIn(client: Client): Promise<Session> {
  return (
    await new Client(client.api).call<Session>("POST", "/users/login", {
      email: client.session!.user.email,
      password,
    })
  ).body;
}

async function devicesOf({ accessToken }: Session): Promise<Device[]> {
  const made = inboxes.map((node) => new Device(node.sockets, accessToken));
  devices.push(...made);
  for (const device of made) await device.receives("inbox");
  return made;
}

type End = (client: Client) => Promise<unknown>;
const ways: [string, End][] = [
  [
    "signing out",
    (client) =>
      client.call("POST", "/users/logout", { refreshToken: client.session!.refreshToken }),
  ],
  [
    "a change of the password",
    async (client) =>
      new Client(client.api, await signedIn(client)).call("POST", "/users/password", {
        password,
        newPassword: "battery staple",
      }),
  ],
  [
    "a refresh token that is used twice",
    async (client) => {
      const { refreshToken } = client.session!;
      for (const node of apis)
        await new Client(node.api).call("POST", "/users/refresh", { refreshToken });
    },
  ],
];

describe("a session", () => {
  it.each(ways)(
    "is revoked on every node by %s: its tokens are refused and its sockets closed",
    async (_what, end) => {
      const client = await Client.registered(apis[0]!.api);
      const session = client.session!;
      const sockets = await devicesOf(session);
      expect(await everywhere(session)).toEqual([200, 200]);

      await end(client);

      await eventually(async () => expect(await everywhere(session)).toEqual([401, 401]), {
        within: 2000,
      });
      for (const device of sockets) {
        await device.receives("closing");
        await eventually(() => expect(device.disconnects).toEqual(["io server disconnect"]));
      }
      for (const { sockets: url } of inboxes) {
        const late = new Device(url, session.accessToken);
        devices.push(late);
        await eventually(() =>
          expect(late.refusals).toMatchObject([{ data: { code: "UNAUTHENTICATED" } }]),
        );
      }
    },
  );

  it("repeats a refresh with the same key during the life of an access token, and ends after that", async () => {
    const database = await new MongoClient(env.USERS_MONGO_URL).connect();
    const accounts = database.db().collection<AccountDocument>("accounts");
    /** Sets the time since the last refresh (s). */
    async function wait(seconds: number): Promise<void> {
      const expiresAt = sessionExpiry(new Date(Date.now() - seconds * 1_000));
      const { modifiedCount } = await accounts.updateOne(
        { _id: userId },
        { $set: { [`sessions.${sid}.expiresAt`]: expiresAt } },
      );
      expect(modifiedCount).toBe(1);
    }
    const { session } = await Client.registered(apis[0]!.api);
    const { userId, sid } = parseRefreshToken(session!.refreshToken);
    const once = { refreshToken: session!.refreshToken, idempotencyKey: randomUUID() };
    const ask = (n: number, body: object) =>
      new Client(apis[n]!.api).call<Session>("POST", "/users/refresh", body);
    const { body: next } = await ask(0, once);

    await wait(14 * 60);
    expect(await ask(1, once)).toMatchObject({
      status: 200,
      body: { refreshToken: next.refreshToken },
    });
    // The repetition does not prolong the session.
    const { sessions } = (await accounts.findOne({ _id: userId }))!;
    expect(sessions[sid]!.expiresAt < sessionExpiry(new Date(Date.now() - 13 * 60_000))).toBe(true);

    await wait(16 * 60);
    expect(await ask(1, once)).toMatchObject({ status: 401, body: { code: "UNAUTHENTICATED" } });
    expect(await ask(0, { refreshToken: next.refreshToken })).toMatchObject({ status: 401 });
    await database.close();
  });

  it("that was revoked is refused by a node that starts afterwards", async () => {
    const client = await Client.registered(apis[0]!.api);
    await client.call("POST", "/users/logout", { refreshToken: client.session!.refreshToken });

    const late = await start("api");
    await untilAvailable(late);

    await eventually(async () => expect(await me(late, client.session!)).toBe(401), {
      within: 5000,
    });
    await late.end();
  }, 40_000);
});

describe("the private key", () => {
  it("is only in the process of users", () => {
    const { d } = JSON.parse(Buffer.from(env.AUTH_PRIVATE_JWK, "base64url").toString()) as {
      d: string;
    };
    const environment = ({ child }: Node) => readFileSync(`/proc/${child.pid}/environ`, "utf8");
    const holds = (node: Node) =>
      [d, env.AUTH_PRIVATE_JWK].some((secret) => environment(node).includes(secret));
    expect(holds(users)).toBe(true);
    expect([...apis, ...inboxes].map(holds)).toEqual([false, false, false, false]);
  });
});

describe("keys", () => {
  it("rotate without signing out or refusing a user", async () => {
    const before = (await Client.registered(apis[0]!.api)).session!;
    const oldKey = JSON.parse(Buffer.from(env.AUTH_PRIVATE_JWK, "base64url").toString());
    const oldSet = JSON.parse(Buffer.from(env.AUTH_JWKS, "base64url").toString()) as {
      keys: object[];
    };
    const next = newKeyPair();
    const refusals: number[] = [];
    let rotating = true;
    // Requests to both nodes of api, during the whole rotation.
    const asking = (async () => {
      for (let n = 0; rotating; n++) {
        const status = await me(apis[n % 2]!, before).catch(() => 0);
        if (status === 401) refusals.push(status);
      }
    })();

    // First the nodes that verify tokens, one after the other; then the one that signs them.
    env = { ...env, AUTH_JWKS: encode({ keys: [...oldSet.keys, next.public] }) };
    for (const n of [0, 1]) {
      const replaced = apis[n]!;
      const fresh = await start("api");
      await untilAvailable(fresh);
      apis[n] = fresh;
      await replaced.end();
    }
    env = { ...env, AUTH_PRIVATE_JWK: encode(next.private) };
    const replaced = users;
    users = await start("users");
    await replaced.end();
    for (const node of apis) await untilAvailable(node);
    rotating = false;
    await asking;

    const after = (await Client.registered(apis[0]!.api)).session!;
    expect(decodeProtectedHeader(after.accessToken).kid).toBe(next.public.kid);
    expect(await everywhere(after)).toEqual([200, 200]);
    expect(await everywhere(before)).toEqual([200, 200]);
    expect(
      await everywhere({ accessToken: await tokenOf(oldKey, before.user.id) } as Session),
    ).toEqual([200, 200]);
    expect(refusals).toEqual([]);
  }, 60_000);
});

describe("while users is unavailable", () => {
  it("no session can be ended, signed-in users continue, and revoked sessions stay revoked", async () => {
    const [ended, live] = [
      await Client.registered(apis[0]!.api),
      await Client.registered(apis[1]!.api),
    ];
    await ended.call("POST", "/users/logout", { refreshToken: ended.session!.refreshToken });
    await eventually(async () => expect(await everywhere(ended.session!)).toEqual([401, 401]));
    await users.end("SIGKILL");

    const inbox = async ({ session }: Client, { api }: Node) =>
      (await new Client(api, session).call("GET", "/notifications")).status;
    await eventually(async () => {
      expect(
        await live.call("POST", "/users/logout", { refreshToken: live.session!.refreshToken }),
      ).toMatchObject({
        status: 503,
        body: { code: "UNAVAILABLE" },
      });
    });
    for (const node of apis)
      expect([await inbox(live, node), await inbox(ended, node)]).toEqual([200, 401]);
  }, 30_000);
});
