/** Passwords and tokens between nodes: two brokers with Moleculer's transporter inside one process. */
import { randomUUID } from "node:crypto";
import { ServiceBroker, type BrokerOptions, type Middleware } from "moleculer";
import type { TSchema } from "typebox";
import { define } from "../../broker/define.ts";
import { newKeyPair } from "../../broker/keys.ts";
import { badData, refusal } from "../../broker/refusal.ts";
import { opener, sealer } from "../../broker/sealed-box.ts";
import { sealing } from "../../broker/sealing.ts";
import { SchemaValidator } from "../../broker/validator.ts";
import { actions } from "../../contracts/actions.ts";

const pair = newKeyPair();
const brokers: ServiceBroker[] = [];
afterAll(async () => {
  await Promise.all(brokers.map((broker) => broker.stop()));
});

/** A handler of users that answers with what it got. */
const users = define({
  name: "users",
  actions: {
    async login({ params: { email, password } }) {
      if (password.startsWith("wrong")) throw refusal("UNAUTHENTICATED", `Not ${password}.`);
      return { user: { id: "u", name: "u", email, createdAt: "", isVerified: false }, ...tokens };
    },
    async register() {
      throw badData([{ field: "password", message: "is common" }]);
    },
    async refresh() {
      throw new Error("not used");
    },
    async logout() {
      return null;
    },
    async changePassword() {
      throw new Error("not used");
    },
    async me() {
      throw new Error("not used");
    },
    async requestVerification() {
      throw new Error("not used");
    },
    async verify() {
      throw new Error("not used");
    },
    async verificationLink() {
      throw new Error("not used");
    },
    async address() {
      throw new Error("not used");
    },
    async profile({ params }) {
      return { id: params.id, name: "u" };
    },
    async ended() {
      return { sessions: [] };
    },
    async replay() {
      throw new Error("not used");
    },
    async health() {
      return { ok: true as const };
    },
  },
});
const tokens = { accessToken: "the-access-token", refreshToken: "the-refresh-token", expiresIn: 1 };

interface Node {
  broker: ServiceBroker;
  /** Everything that it sent. */
  sent: string[];
  warnings: string[];
}

/** A node with these keys; without keys, one of a version that does not encrypt. */
async function node(
  namespace: string,
  keys: Parameters<typeof sealing>[0] | undefined,
  service?: object,
): Promise<Node> {
  const sent: string[] = [];
  const warnings: string[] = [];
  const log = {
    transporterSend:
      (next: (...args: unknown[]) => unknown) => (topic: string, data: Buffer, meta: object) => {
        sent.push(data.toString());
        return next(topic, data, meta);
      },
  };
  const broker = new ServiceBroker({
    namespace,
    nodeID: randomUUID(),
    transporter: "Fake",
    logger: false,
    validator: new SchemaValidator({}),
    middlewares: [log as unknown as Middleware, ...(keys ? [sealing(keys)] : [])],
  } satisfies BrokerOptions);
  broker.logger.warn = (line: unknown) => void warnings.push(String(line));
  if (service) broker.createService(service as never);
  await broker.start();
  brokers.push(broker);
  return { broker, sent, warnings };
}

const publicOnly = { public: [pair.public], private: undefined };
const both = { public: [pair.public], private: pair.private };

async function cluster(
  caller: Parameters<typeof sealing>[0] | undefined,
  handler: Parameters<typeof sealing>[0] | undefined,
) {
  const namespace = randomUUID();
  // 0.1.0 announces nothing.
  const former = JSON.parse(JSON.stringify(Object.keys(users.actions!))) as string[];
  const service = handler
    ? users
    : {
        ...users,
        actions: Object.fromEntries(
          former.map((name) => [name, { ...(users.actions![name] as object), sealed: undefined }]),
        ),
      };
  const [host, api] = await Promise.all([
    node(namespace, handler, service),
    node(namespace, caller),
  ]);
  await api.broker.waitForServices("users", 10_000, 10);
  return { host, api };
}

/** Clusters of two nodes: one that calls, and one with users. They start together, because each start takes a second. */
type Cluster = Awaited<ReturnType<typeof cluster>>;
let [ordinary, keyless, mistaken, rotated, toFormer, fromFormer]: Cluster[] = [];
const next = newKeyPair();
beforeAll(async () => {
  const other = newKeyPair().public;
  const rotating = { public: [pair.public, next.public], private: undefined };
  [ordinary, keyless, mistaken, rotated, toFormer, fromFormer] = await Promise.all([
    cluster(publicOnly, both),
    cluster({ public: [], private: undefined }, both),
    cluster({ public: [other], private: undefined }, both),
    cluster(rotating, { public: [], private: next.private }),
    cluster(publicOnly, undefined),
    cluster(undefined, both),
  ]);
});

const login = { email: "ann@souk.test", password: "correct horse battery" };
const secrets = [login.email, login.password, tokens.accessToken, tokens.refreshToken];
const inClear = (...nodes: Node[]) =>
  secrets.filter((secret) =>
    nodes.some(({ sent }) => sent.some((packet) => packet.includes(secret))),
  );

describe("a call with secrets to another node", () => {
  it("is answered, and neither its params nor its answer are readable in any message", async () => {
    const { host, api } = ordinary!;

    expect(await api.broker.call("users.login", login)).toMatchObject(tokens);

    expect(inClear(host, api)).toEqual([]);
    expect(
      await api.broker.call(
        "users.logout",
        { refreshToken: tokens.refreshToken },
        { meta: { user: { id: "u" } } },
      ),
    ).toBeNull();
    expect(inClear(host, api)).toEqual([]);
    expect([...host.warnings, ...api.warnings]).toEqual([]);
  });

  it("fails with the error of its handler, which is not readable either", async () => {
    const { host, api } = ordinary!;

    await expect(
      api.broker.call("users.login", { ...login, password: "wrong password" }),
    ).rejects.toMatchObject({
      type: "UNAUTHENTICATED",
      code: 401,
      message: "Not wrong password.",
    });
    await expect(
      api.broker.call("users.register", { ...login, name: "Ann" }),
    ).rejects.toMatchObject({
      type: "BAD_DATA",
      data: { errors: [{ field: "password", message: "is common" }] },
    });

    expect(
      [...host.sent, ...api.sent].filter((packet) => /wrong password|is common/.test(packet)),
    ).toEqual([]);
  });

  it("has its params checked after decryption", async () => {
    const { api } = ordinary!;

    await expect(api.broker.call("users.login", { email: "x" })).rejects.toMatchObject({
      type: "BAD_DATA",
    });
    // What only looks encrypted is not.
    await expect(api.broker.call("users.login", { from: "", boxes: {} })).rejects.toMatchObject({
      type: "BAD_DATA",
    });
  });

  it("is refused with a sentence on a node without keys, and sent nowhere", async () => {
    const { host, api } = keyless!;

    await expect(api.broker.call("users.login", login)).rejects.toMatchObject({
      type: "UNAVAILABLE",
      message:
        "Set AUTH_JWKS on this node: users.login carries secrets, which are encrypted with it.",
    });
    expect(inClear(host, api)).toEqual([]);
    expect(await api.broker.call("users.profile", { id: "u" })).toEqual({ id: "u", name: "u" });
  });

  it("is refused, and the reason logged once, when the caller has another public key", async () => {
    const { host, api } = mistaken!;

    for (let n = 0; n < 3; n++)
      await expect(api.broker.call("users.login", login)).rejects.toMatchObject({
        type: "UNAVAILABLE",
      });

    expect(host.warnings).toEqual([
      `A call of node ${api.broker.nodeID} cannot be decrypted. Its AUTH_JWKS must contain the public key of AUTH_PRIVATE_JWK.`,
    ]);
  });

  it("is answered while keys are rotated: it is encrypted for each public key", async () => {
    const { host, api } = rotated!;
    expect(await api.broker.call("users.login", login)).toMatchObject(tokens);
    expect(inClear(host, api)).toEqual([]);
  });

  it("is not encrypted for or by a node of 0.1.0, which is logged once", async () => {
    for (const { api } of [toFormer!, fromFormer!])
      for (let n = 0; n < 2; n++)
        expect(await api.broker.call("users.login", login)).toMatchObject(tokens);

    expect(toFormer!.api.warnings).toEqual([
      "A node of version 0.1.0 handles users.login. Calls to it are not encrypted.",
    ]);
    expect(fromFormer!.host.warnings).toEqual([
      `Node ${fromFormer!.api.broker.nodeID} calls users.login without encryption.`,
    ]);
  });

  it("is not accepted as another request: a copy under a new id is refused", async () => {
    const { host, api } = ordinary!;
    await api.broker.call("users.login", login);
    const packet = api.sent.find((text) => text.includes('"users.login"'))!;
    const { params } = JSON.parse(packet) as { params: object };

    // A node that does not encrypt sends the copy as it is.
    const thief = await node(api.broker.namespace, undefined);
    await thief.broker.waitForServices("users", 10_000, 10);
    await expect(thief.broker.call("users.login", params)).rejects.toMatchObject({
      type: "UNAVAILABLE",
    });
    expect(host.warnings).toHaveLength(1);
  });
});

it("a call inside one process is not encrypted", async () => {
  const { broker, warnings } = await node(randomUUID(), { public: [], private: undefined }, users);
  // Without a public key, encryption would fail.
  expect(await broker.call("users.login", login)).toMatchObject(tokens);
  expect(warnings).toEqual([]);
});

describe("a sealed message", () => {
  const { sealed } = sealer([pair.public])("secret", "context");

  it("opens with its key and context only", () => {
    expect(opener(pair.private)(sealed, "context")?.text).toBe("secret");
    expect(opener(newKeyPair().private)(sealed, "context")).toBeNull();
    expect(() => opener(pair.private)(sealed, "another")).toThrow();
    const [kid, box] = Object.entries(sealed.boxes)[0]!;
    const changed = `${box[0] === "A" ? "B" : "A"}${box.slice(1)}`;
    const boxes = { [kid]: changed };
    expect(() => opener(pair.private)({ ...sealed, boxes }, "context")).toThrow();
  });

  it("opens for any of 50 random key pairs", () => {
    for (let n = 0; n < 50; n++) {
      const { public: shown, private: hidden } = newKeyPair();
      expect(opener(hidden)(sealer([shown])("secret", "c").sealed, "c")?.text).toBe("secret");
    }
  });

  it("is encrypted anew each time, and its answer with another key", () => {
    const again = sealer([pair.public])("secret", "context");
    expect(again.sealed).not.toEqual(sealed);
    const { answer, kid } = opener(pair.private)(again.sealed, "context")!;
    const box = answer.encrypt("reply", "context");
    expect(again.answerOf(kid)!.decrypt(box, "context")).toBe("reply");
    expect(() =>
      opener(pair.private)({ ...again.sealed, boxes: { [kid]: box } }, "context"),
    ).toThrow();
  });

  it("from a weak public key is refused", () => {
    expect(() =>
      opener(pair.private)({ ...sealed, from: Buffer.alloc(32).toString("base64url") }, "context"),
    ).toThrow();
  });
});

describe("contracts", () => {
  /** The names of all fields of a schema. */
  function fieldsOf(schema: TSchema): string[] {
    const {
      properties = {},
      anyOf = [],
      items,
    } = schema as {
      properties?: Record<string, TSchema>;
      anyOf?: TSchema[];
      items?: TSchema;
    };
    const inner = [...Object.values(properties), ...anyOf, ...(items ? [items] : [])];
    return [...Object.keys(properties), ...inner.flatMap(fieldsOf)];
  }

  it("mark every action with a password or a token as secret, and no other", () => {
    const holders = Object.entries(actions)
      .filter(
        ([action, { params, result }]) =>
          // The address of a user who did not ask for it.
          action === "users.address" ||
          [params, result]
            .flatMap(fieldsOf)
            // Not idempotencyKey: that of a creation is of use to its user only, and that of a refresh is with its token.
            .some((name) => /password|token|secret|^auth$/i.test(name)),
      )
      .map(([name]) => name);
    const marked = Object.entries(actions)
      .filter(([, action]) => "secret" in action)
      .map(([name]) => name);

    expect(marked.sort()).toEqual(holders.sort());
    expect(marked.length).toBeGreaterThan(4);
  });
});
