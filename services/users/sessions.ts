import { randomUUID } from "node:crypto";
import type { SecurityLog } from "../../broker/security-log.ts";
import { refusal } from "../../broker/refusal.ts";
import { accessTokenSeconds, type EndedSession, type Session } from "../../contracts/users.ts";
import { toUser, type AccountDocument } from "../../domain/account.ts";
import {
  endSessionsUpdate,
  sessionsToEnd,
  matchesFamily,
  newSession,
  repeatableAfter,
  sessionExpiry,
  tokensExpireAt,
} from "../../domain/sessions.ts";
import { maxCallMs } from "../../store/replay.ts";
import type { Store } from "../../store/store.ts";
import {
  newRefreshToken,
  nextRefreshToken,
  readRefreshToken,
  type RefreshToken,
} from "./tokens.ts";

/** Accounts whose sessions end at the same time. */
const accountsPerPage = 100;

/** Makes an access token that is valid from `now`. */
type Sign = (userId: string, sid: string, now: Date) => Promise<string>;
/** Announces an ended session to the services that check access tokens. */
interface Announcer {
  broadcast(event: "users.sessionEnded", session: EndedSession): unknown;
}

/** The sessions of accounts: begun, refreshed and ended by one conditional write each. */
export class Sessions {
  readonly #store: Store<AccountDocument>;
  readonly #sign: Sign;
  readonly #broker: Announcer;
  readonly #log: SecurityLog;

  constructor(store: Store<AccountDocument>, sign: Sign, broker: Announcer, log: SecurityLog) {
    this.#log = log;
    this.#store = store;
    this.#sign = sign;
    this.#broker = broker;
  }

  /** Stores a new account with its first session. Throws DuplicateKey when the email address is taken. */
  async createAccount(account: AccountDocument) {
    const token = newRefreshToken(account._id, randomUUID());
    const sessions = { [token.sid]: newSession(token.hashes, this.#store.now()) };
    const stored = await this.#store.insert({ ...account, sessions });
    return { stored, session: await this.#answer(stored, token) };
  }

  /** Begins a session and ends expired ones. Null when the password was changed since `account` was read. */
  async begin(account: AccountDocument): Promise<Session | null> {
    const token = newRefreshToken(account._id, randomUUID());
    const now = this.#store.now();
    const after = await this.#endSessions(account, sessionsToEnd(account.sessions, now), {
      match: { password: account.password },
      set: { [`sessions.${token.sid}`]: newSession(token.hashes, now) },
    });
    return after && this.#answer(after, token);
  }

  /**
   * Replaces a refresh token by the next one. A spent token that comes a second time ends its session,
   * unless it is the same refresh by its idempotency key. Throws UNAUTHENTICATED for a token that is not valid.
   */
  async refresh(token: RefreshToken, idempotencyKey: string | undefined): Promise<Session> {
    const account = await this.#accountOf(token);
    const next = nextRefreshToken(token, idempotencyKey);
    const renewed = (await this.#renew(token, next)) ?? (await this.#renewedBefore(next));
    if (renewed) return this.#answer(renewed, next);
    // The token was spent before: it was copied.
    this.#log.record("refresh_token_reused", { user: token.userId, session: token.sid });
    await this.#endSessions(account, [token.sid]);
    throw notValid();
  }

  /** Ends the session of a refresh token that belongs to the user. Throws UNAUTHENTICATED for any other token. */
  async end(userId: string, refreshToken: string): Promise<void> {
    const token = readRefreshToken(refreshToken);
    if (token.userId !== userId) throw notValid();
    await this.#endSessions(await this.#accountOf(token), [token.sid]);
  }

  /** Changes the password, ends every session and begins a new one. Null when another call changed the password first. */
  async changePassword(account: AccountDocument, passwordHash: string): Promise<Session | null> {
    const token = newRefreshToken(account._id, randomUUID());
    // All sessions are replaced at once: one begun with the old password at the same time ends too.
    const sessions = { [token.sid]: newSession(token.hashes, this.#store.now()) };
    const after = await this.#endSessions(account, Object.keys(account.sessions), {
      match: { password: account.password },
      set: { password: passwordHash, sessions },
    });
    if (after) this.#log.record("password_changed", { user: account._id });
    return after && this.#answer(after, token);
  }

  /**
   * Ends the sessions of all accounts, 100 accounts at a time, for about 3 s. `replayed` is their number, and `nextCursor` where the
   * next call continues.
   */
  async endAll(cursor = ""): Promise<{ replayed: number; nextCursor: string | null }> {
    const endsAt = performance.now() + maxCallMs;
    let [email, replayed] = [Buffer.from(cursor, "base64url").toString(), 0];
    for (;;) {
      const page = { sort: { email: 1 }, limit: accountsPerPage } as const;
      const accounts = await this.#store.find({ email: { $gt: email } }, page);
      const ended = await Promise.all(accounts.map((account) => this.#endAllOf(account)));
      replayed += ended.reduce((sum, count) => sum + count, 0);
      email = accounts.at(-1)?.email ?? "";
      if (accounts.length < accountsPerPage) return { replayed, nextCursor: null };
      if (performance.now() > endsAt)
        return { replayed, nextCursor: Buffer.from(email).toString("base64url") };
    }
  }

  async #endAllOf(account: AccountDocument): Promise<number> {
    const sids = Object.keys(account.sessions);
    if (sids.length > 0) await this.#endSessions(account, sids);
    return sids.length;
  }

  async #accountOf({ userId, sid, hashes }: RefreshToken): Promise<AccountDocument> {
    const account = await this.#store.one({ _id: userId });
    if (!account || !matchesFamily(account.sessions[sid], hashes, this.#store.now()))
      throw notValid();
    return account;
  }

  /** Of two calls that bring the same token at once, one matches. */
  #renew({ userId, sid, hashes }: RefreshToken, next: RefreshToken) {
    const [token, expiresAt] = [`sessions.${sid}.token`, `sessions.${sid}.expiresAt`];
    return this.#store.change(
      { _id: userId, [token]: hashes.token },
      { $set: { [token]: next.hashes.token, [expiresAt]: sessionExpiry(this.#store.now()) } },
    );
  }

  /** The account, when the same refresh was done before. The write changes nothing: it reads the last acknowledged state. */
  #renewedBefore({ userId, sid, hashes }: RefreshToken) {
    const [token, expiresAt] = [`sessions.${sid}.token`, `sessions.${sid}.expiresAt`];
    return this.#store.change(
      {
        _id: userId,
        [token]: hashes.token,
        [expiresAt]: { $gt: repeatableAfter(this.#store.now()) },
      },
      { $set: { [token]: hashes.token } },
    );
  }

  /** Ends sessions and sets other fields in the same write, then announces the ended sessions. Null when `match` did not hold. */
  async #endSessions(
    account: AccountDocument,
    sids: string[],
    { match = {}, set = {} }: { match?: object; set?: Record<string, unknown> } = {},
  ): Promise<AccountDocument | null> {
    const now = this.#store.now();
    const until = tokensExpireAt(account, sids, now);
    const update = endSessionsUpdate(account, sids, until, now);
    // MongoDB refuses to set `sessions` and to unset a field inside it in one update.
    const unset = update.unset.filter((field) => !("sessions" in set && /^sessions\./.test(field)));
    const after = await this.#store.change(
      { _id: account._id, ...match },
      {
        $set: { ...update.set, ...set },
        $unset: Object.fromEntries(unset.map((field) => [field, true])),
      },
    );
    for (const sid of after ? sids : []) {
      this.#log.record("session_ended", { user: account._id, session: sid });
      void this.#broker.broadcast("users.sessionEnded", { sid, userId: account._id, until });
    }
    return after;
  }

  async #answer(account: AccountDocument, { sid, value }: RefreshToken): Promise<Session> {
    return {
      user: toUser(account),
      accessToken: await this.#sign(account._id, sid, this.#store.now()),
      refreshToken: value,
      expiresIn: accessTokenSeconds,
    };
  }
}

const notValid = () => refusal("UNAUTHENTICATED", "The refresh token is not valid.");
