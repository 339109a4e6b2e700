/** What a node keeps in memory, and what accounts store, while its clock jumps by hours. */
import { jest } from "@jest/globals";
import { exportJWK, generateKeyPair } from "jose";
import { temporaryFolder } from "../../bin/processes/node-process.ts";
import { newAccount } from "../../domain/account.ts";
import {
  endedSessions,
  endSessionsUpdate,
  newSession,
  sessionsToEnd,
  tokensExpireAt,
} from "../../domain/sessions.ts";
import { accessTokens } from "../../services/users/tokens.ts";

const folder = temporaryFolder();
afterAll(() => folder.remove());
process.env.DATA_DIR = folder.path;
const { RateLimiter } = await import("../../edge/rate-limiter.ts");
const { RevokedSessions } = await import("../../edge/revoked-sessions.ts");
const { verifier } = await import("../../edge/token-verifier.ts");

const hour = 3_600_000;
const real = Date.now.bind(Date);
const setClock = (ms: number) => jest.spyOn(Date, "now").mockImplementation(() => real() + ms);
afterEach(() => jest.restoreAllMocks());
const jumps = [3 * hour, -3 * hour];

it.each(jumps)("a rate limit ends after its window when the clock jumps by %d ms", async (jump) => {
  const limiter = new RateLimiter({ max: 1, seconds: 60 }, "Too many");
  setClock(jump);
  await limiter.take("a");
  setClock(0);

  const refused: unknown = await limiter.take("a").catch((error: unknown) => error);

  const { retryAfter } = (refused as { data: { retryAfter: number } }).data;
  expect(retryAfter).toBeGreaterThan(55);
  expect(retryAfter).toBeLessThanOrEqual(60);
});

it.each(jumps)("a revoked session stays revoked when the clock jumps by %d ms", (jump) => {
  const revoked = new RevokedSessions();
  setClock(jump);
  revoked.add({ sid: "s", userId: "u", until: new Date(real() + jump).toISOString() });
  setClock(0);
  revoked.prune();
  setClock(-jump);
  revoked.prune();

  expect(revoked.has("s")).toBe(true);
});

describe("an access token", () => {
  const issuer = { time: real() };
  const clock = { now: () => issuer.time };
  const make = async () => {
    const { privateKey, publicKey } = await generateKeyPair("EdDSA", { extractable: true });
    const [secret, open] = await Promise.all([exportJWK(privateKey), exportJWK(publicKey)]);
    const sign = accessTokens({ ...secret, kid: "k" });
    return { sign, verify: verifier([{ ...open, kid: "k" }], clock) };
  };
  const now = () => new Date(issuer.time);
  beforeEach(() => void (issuer.time = real()));

  it.each(jumps)(
    "stays valid when the clock of the node that checks jumps by %d ms",
    async (jump) => {
      const { sign, verify } = await make();
      const token = await sign("u", "s", now());
      setClock(jump);

      await expect(verify(token)).resolves.toMatchObject({ id: "u", sid: "s" });
    },
  );

  it.each(jumps)(
    "is checked by the issuer's clock when that is found to have jumped by %d ms",
    async (jump) => {
      const { sign, verify } = await make();
      const token = await sign("u", "s", new Date(issuer.time + jump));
      await expect(verify(token)).rejects.toMatchObject({ type: "UNAUTHENTICATED" });

      const verified = await verify(token, async () => void (issuer.time += jump));

      const remaining = verified.endsAt - performance.now();
      expect(remaining).toBeGreaterThan(880_000);
      expect(remaining).toBeLessThanOrEqual(900_000);
    },
  );

  it("that was verified ends 15 minutes after it was signed, whatever the clock shows", async () => {
    const { sign, verify } = await make();
    const token = await sign("u", "s", now());
    await verify(token);
    issuer.time += 20 * 60_000;
    await expect(verify(token)).resolves.toMatchObject({ id: "u" });

    const uptime = performance.now();
    jest.spyOn(performance, "now").mockImplementation(() => uptime + 900_001);

    await expect(verify(token)).rejects.toMatchObject({ message: "The token has expired." });
  });
});

describe("stored sessions", () => {
  const hashes = { family: "f", token: "t" };
  const account = (sessions: Record<string, ReturnType<typeof newSession>>, ended = {}) => ({
    ...newAccount({ id: "u", email: "u@souk.test", name: "U" }, "hash", new Date()),
    sessions,
    ended,
  });
  const at = (ms: number) => new Date(real() + ms);
  const month = 30 * 24 * hour;

  it("are not ended by a sign-in on a node whose clock is hours ahead", () => {
    const sessions = {
      old: newSession(hashes, at(hour - month)),
      gone: newSession(hashes, at(-2 * month)),
    };

    expect(sessionsToEnd(sessions, at(3 * hour))).toEqual(["gone"]);
  });

  it("that a node with a slow clock ends stay known until their tokens expire", () => {
    const before = account({ s: newSession(hashes, at(0)) });

    const until = tokensExpireAt(before, ["s"], at(-3 * hour));

    expect(Date.parse(until)).toBeGreaterThan(real() + 890_000);
  });

  it("that ended are not forgotten by a write on a node whose clock is hours ahead", () => {
    const ended = { a: at(600_000).toISOString() };
    const until = at(3 * hour).toISOString();

    const { unset } = endSessionsUpdate(account({}, ended), ["b"], until, at(3 * hour));

    expect(unset).toEqual(["sessions.b"]);
    expect(endedSessions(account({}, ended), at(0))).toHaveLength(1);
  });

  it("that ended long ago are removed beyond the newest twenty", () => {
    const ended = Object.fromEntries(
      Array.from({ length: 25 }, (_, n) => [`s${n}`, at(-n * hour - hour).toISOString()]),
    );

    const { unset } = endSessionsUpdate(account({}, ended), [], "", at(0));

    expect(unset).toEqual(["s20", "s21", "s22", "s23", "s24"].map((sid) => `ended.${sid}`));
  });
});
