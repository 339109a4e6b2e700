/** Links that verify email addresses, over a file: used, guessed, replayed, expired, and requested too often. */
import { join } from "node:path";
import { ServiceBroker, type Service } from "moleculer";
import { temporaryFolder } from "../../bin/processes/node-process.ts";
import { newKeyPair } from "../../broker/keys.ts";
import { codeOf } from "../../broker/refusal.ts";
import { newAccount, toAddress, toUser, type AccountDocument } from "../../domain/account.ts";
import type { Store } from "../../store/store.ts";

const folder = temporaryFolder();
Object.assign(process.env, { DATA_DIR: folder.path, LOG_LEVEL: "error" });
const { SqliteStore } = await import("../../store/sqlite/adapter.ts");
const { AccountDocument: document } = await import("../../domain/account.ts");
const { collection } = await import("../../mixins/collection.ts");
const { define } = await import("../../broker/define.ts");
const { Verifications, withFirstLink } = await import("../../services/users/verifications.ts");

const broker = new ServiceBroker({ logger: false });
const { store: file } = broker.createService(
  define({
    name: "accounts",
    mixins: [
      collection(
        { name: "accounts", document, indexes: [{ fields: ["email"], unique: true }] },
        (_, what) => new SqliteStore(join(folder.path, "accounts.sqlite"), what),
      ),
    ],
  }),
) as Service & { store: Store<AccountDocument> };
beforeAll(() => broker.start());
afterAll(async () => {
  await broker.stop();
  folder.remove();
});

const [minute, hour] = [60_000, 3_600_000];
let now = 1.8e12;
beforeEach(() => (now = 1.8e12));
const store = { ...file, now: () => new Date(now) };
const key = newKeyPair().private;
const verifications = new Verifications(store, key);
const nothing = <U>(update: U) => update;
const outcome = (call: Promise<unknown>) => call.then(() => "ok", codeOf);

let count = 0;
/** A registered account, and the token in its first mail. */
async function registered() {
  const id = `u${count++}`;
  const account = newAccount({ id, email: `${id}@souk.test`, name: "Ann" }, "hash", store.now());
  await store.insert(withFirstLink(account, store.now()));
  return { id, token: (await verifications.link(id, await latestOf(id))).token };
}
const accountOf = async (id: string) => (await store.one({ _id: id }))!;
const latestOf = async (id: string) => (await accountOf(id)).verification!.latest;
const request = (id: string) => verifications.request(id, undefined, nothing);
/** The token of a mail that is sent again. */
async function requested(id: string) {
  await request(id);
  return (await verifications.link(id, await latestOf(id))).token;
}
const verify = (token: string) => outcome(verifications.verify(token, nothing));

describe("a link that verifies an address", () => {
  it("works once, and says afterwards that the address is verified", async () => {
    const { id, token } = await registered();
    expect(toUser(await accountOf(id)).isVerified).toBe(false);

    expect([await verify(token), await verify(token)]).toEqual(["ok", "ALREADY_VERIFIED"]);

    expect(toUser(await accountOf(id)).isVerified).toBe(true);
    expect(toAddress(await accountOf(id))).toMatchObject({ isVerified: true, language: "en" });
  });

  it("works for one of ten clicks at the same time", async () => {
    const { id, token } = await registered();
    const other = await requested(id);

    const outcomes = await Promise.all(
      Array.from({ length: 10 }, (_, n) => verify(n % 2 ? token : other)),
    );

    expect(outcomes.sort()).toEqual([...Array<string>(9).fill("ALREADY_VERIFIED"), "ok"]);
  });

  it("is stored as a hash, also after it was sent", async () => {
    const { id, token } = await registered();
    const stored = JSON.stringify(await accountOf(id));
    expect(token.split(".")[2]).toMatch(/^[\w-]{43}$/);
    expect(stored).not.toContain(token.split(".")[2]);
  });

  it.each([
    ["another secret", (token: string) => token.slice(0, -4) + "AAAA"],
    ["no secret", (token: string) => token.slice(0, token.lastIndexOf("."))],
    ["a secret that is longer", (token: string) => `${token}A`],
    ["another link", (token: string) => token.replace(/\.[^.]+\./, ".other.")],
    ["a name that every object has", (token: string) => token.replace(/\.[^.]+\./, ".toString.")],
    ["a prototype", (token: string) => token.replace(/\.[^.]+\./, ".__proto__.")],
    ["an unknown user", (token: string) => token.replace(/^\w+/, "nobody")],
    ["another user", (token: string) => token.replace(/^\w+/, "u0")],
    ["nothing but dots", () => "..."],
  ])("with %s is not valid, and uses nothing up", async (_, change) => {
    const { token } = await registered();
    expect(await verify(change(token))).toBe("LINK_NOT_VALID");
    expect(await verify(token)).toBe("ok");
  });

  it("was made but not sent: no token is valid", async () => {
    const { id } = await registered();
    await request(id);
    expect(await verify(`${id}.${await latestOf(id)}.`)).toBe("LINK_NOT_VALID");
  });

  it.each([
    ["24 hours later", 24 * hour, "LINK_NOT_VALID"],
    ["a minute less", 24 * hour - minute, "ok"],
    ["after the clock was set back an hour", -hour, "ok"],
    ["after the clock was set back a year", -365 * 24 * hour, "LINK_NOT_VALID"],
    ["after the clock was set ahead a year", 365 * 24 * hour, "LINK_NOT_VALID"],
  ])("%s", async (_, ms, expected) => {
    const { token } = await registered();
    now += ms;
    expect(await verify(token)).toBe(expected);
  });

  it("is valid for 24 hours after its mail was sent, although the mail waited for two days", async () => {
    const { id } = await registered();
    now += 48 * hour;
    const { token } = await verifications.link(id, await latestOf(id));
    now += 23 * hour;
    expect(await verify(token)).toBe("ok");
  });

  it("is the same in a mail that is sent twice", async () => {
    const { id, token } = await registered();
    expect((await verifications.link(id, await latestOf(id))).token).toBe(token);
  });

  it("stays valid when the key changes, and when another mail is sent", async () => {
    const { id, token } = await registered();
    await requested(id);
    const rotated = new Verifications(store, newKeyPair().private);
    expect(await outcome(rotated.verify(token, nothing))).toBe("ok");
  });

  it("is not made for a mail that comes after the address was verified", async () => {
    const { id, token } = await registered();
    await verify(token);
    expect(await outcome(verifications.link(id, await latestOf(id)))).toBe("NOT_FOUND");
    expect(await outcome(verifications.link(id, "__proto__"))).toBe("NOT_FOUND");
    expect(await outcome(verifications.link("nobody", "x"))).toBe("NOT_FOUND");
  });
});

describe("a mail that is requested", () => {
  it("is sent at most three times an hour, the first at the registration, however many ask at once", async () => {
    const { id } = await registered();
    const outcomes = await Promise.all(Array.from({ length: 5 }, () => outcome(request(id))));
    expect(outcomes.filter((one) => one === "ok")).toHaveLength(2);
    expect(outcomes.filter((one) => one === "TOO_MANY_REQUESTS")).toHaveLength(3);
    await expect(request(id)).rejects.toMatchObject({ data: { retryAfter: 3600 } });

    now += hour;
    expect(await outcome(request(id))).toBe("ok");
  });

  it.each([-365 * 24 * hour, 365 * 24 * hour])(
    "is possible again after the clock was set by %i ms",
    async (ms) => {
      const { id } = await registered();
      await request(id);
      await request(id);
      expect(await outcome(request(id))).toBe("TOO_MANY_REQUESTS");
      now += ms;
      expect(await outcome(request(id))).toBe("ok");
    },
  );

  it("leaves five links at most", async () => {
    const { id } = await registered();
    for (let n = 0; n < 12; n++) {
      now += hour;
      await request(id);
    }
    const { links, latest } = (await accountOf(id)).verification!;
    expect(Object.keys(links)).toHaveLength(5);
    expect(links[latest]).toEqual({ requestedAt: new Date(now).toISOString() });
  });

  it("is not sent to a verified address, nor for an unknown user", async () => {
    const { id, token } = await registered();
    await verify(token);
    expect(await request(id)).toBeNull();
    expect(await outcome(request("nobody"))).toBe("NOT_FOUND");
  });

  it("keeps the language that the page asks for", async () => {
    const { id } = await registered();
    const after = await verifications.request(id, "de", nothing);
    expect(toAddress(after!)).toMatchObject({ language: "de", isVerified: false });
  });
});
