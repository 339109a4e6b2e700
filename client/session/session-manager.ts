import type { Session, User } from "../../contracts/users.ts";
import { isCode, notSignedIn } from "../souk-error.ts";
import type { HttpClient } from "../request.ts";
import { observable } from "../observable.ts";
import { exclusive } from "./lock.ts";
import { isSameSession, refreshParams, withIdempotencyKey } from "./refresh-token.ts";
import type { Tokens } from "../tokens.ts";

export interface SessionState {
  user: User | null;
  /** `unknown` until the stored refresh token has been checked. */
  status: "unknown" | "signedIn" | "signedOut";
}

/** An access token. Times are in ms. */
export interface Access {
  token: string;
  /** How long ago it was received. */
  age(): number;
  lifeMs: number;
  /** The age from which on it should be renewed. */
  renewAtAge: number;
}

/** The longest time between a token's renewal and its expiry, before jitter. */
const maxRenewMarginMs = 60_000;

/** The signed-in user. Keeps the access token in memory, and the refresh token in `tokens`, which tabs may share. */
export class SessionManager {
  readonly state = observable<SessionState>({ user: null, status: "unknown" });
  readonly #http: HttpClient;
  readonly #tokens: Tokens;
  readonly #lockName: string | undefined;
  #current: Access | undefined;
  #renewal: Promise<Access> | undefined;

  /** `lockName`: the lock for tabs that share `tokens`; undefined when none do. */
  constructor(http: HttpClient, tokens: Tokens, lockName?: string) {
    this.#http = http;
    this.#tokens = tokens;
    this.#lockName = lockName;
    tokens.onChange?.(() => {
      if (!tokens.get()) return this.#signedOut();
      // Another tab signed in. A renewal in another tab needs no action here.
      if (this.state.get().status !== "signedIn") this.resume().catch(() => {});
    });
  }

  /** Returns a valid access token. Throws UNAUTHENTICATED when no user is signed in. */
  async access(): Promise<Access> {
    if (this.#isFresh()) return this.#current!;
    const renewal = this.#renew();
    if (!this.#isValid()) return renewal;
    // The current token is still valid: callers neither wait for the renewal nor fail with it.
    renewal.catch(() => {});
    return this.#current!;
  }

  /** Like `access()`, but waits for the renewal when the token is about to expire. */
  async freshAccess(): Promise<Access> {
    return this.#isFresh() ? this.#current! : this.#renew();
  }

  /** Drops an access token that the server refused. */
  reject(token: string): void {
    if (this.#current?.token === token) this.#current = undefined;
  }

  /** Continues the stored session. Throws when it is not known whether that is still valid. */
  async resume(): Promise<User | null> {
    try {
      if (!this.#isFresh()) await this.#renew();
    } catch (error) {
      if (!isCode(error, "UNAUTHENTICATED")) throw error;
    }
    return this.state.get().user;
  }

  /** Signs in with the session that the call returns. */
  async begin(call: Promise<Session>): Promise<User> {
    this.#adopt(await call);
    return this.state.get().user!;
  }

  /** Replaces the session by the one that `call` returns. Calls that need a token wait until that is done. */
  async replace(call: (token: string) => Promise<Session>): Promise<User> {
    const { token } = await this.access();
    await this.#renewal?.catch(() => {});
    await this.#renewWith(async () => {
      const session = await call(token);
      if (this.#tokens.get()) return this.#adopt(session);
      void this.#revoke(session);
      throw notSignedIn("You signed out before the call was complete.");
    });
    return this.state.get().user!;
  }

  /** Shows the user as they are now, unless another one is signed in. Returns the given user. */
  update(user: User): User {
    const { user: shown, status } = this.state.get();
    if (shown?.id === user.id) this.#setState({ user, status });
    return user;
  }

  /** Signs out here immediately, then on the server if it can be reached. */
  async end(): Promise<void> {
    const stored = this.#tokens.get();
    const accessToken = this.#isValid() ? this.#current!.token : undefined;
    this.#tokens.set(null);
    this.#signedOut();
    if (!stored) return;
    const params = refreshParams(stored);
    if (accessToken) return this.#revoke({ refreshToken: params.refreshToken, accessToken });
    const session = await this.#http.call("users.refresh", params).catch(() => null);
    if (session) await this.#revoke(session);
  }

  #adopt({ user, accessToken, refreshToken, expiresIn }: Session): Access {
    const lifeMs = expiresIn * 1000;
    // With jitter: clients that signed in together must not renew together.
    const margin = Math.min(maxRenewMarginMs, lifeMs / 4) * (1 + Math.random());
    this.#current = { token: accessToken, age: stopwatch(), lifeMs, renewAtAge: lifeMs - margin };
    this.#tokens.set(refreshToken);
    this.#setState({ user, status: "signedIn" });
    return this.#current;
  }

  #signedOut(): void {
    this.#current = undefined;
    this.#setState({ user: null, status: "signedOut" });
  }

  #setState(next: SessionState): void {
    if (JSON.stringify(next) !== JSON.stringify(this.state.get())) this.state.set(next);
  }

  #isValid(): boolean {
    return this.#current !== undefined && this.#current.age() < this.#current.lifeMs;
  }

  #isFresh(): boolean {
    return this.#current !== undefined && this.#current.age() < this.#current.renewAtAge;
  }

  #renew(): Promise<Access> {
    return this.#renewal ?? this.#renewWith(() => this.#refresh());
  }

  /** Runs one renewal at a time, in all tabs. All callers that need a token wait for the same one. */
  #renewWith(run: () => Promise<Access>): Promise<Access> {
    this.#renewal = exclusive(this.#lockName, run).finally(() => (this.#renewal = undefined));
    return this.#renewal;
  }

  /** Reads the stored token inside the lock: sending a token for a second refresh ends its session. */
  async #refresh(): Promise<Access> {
    const [before, stored] = [this.#current, this.#tokens.get()];
    if (!stored) {
      this.#signedOut();
      throw notSignedIn();
    }
    this.#tokens.set(withIdempotencyKey(stored));
    const sent = this.#tokens.get() ?? stored;
    try {
      const session = await this.#http.call("users.refresh", refreshParams(sent));
      const now = this.#tokens.get();
      if (now === sent || now === session.refreshToken) return this.#adopt(session);
      // The token changed during the call: the user signed out, another user signed in, or another tab without locks renewed first.
      if (!now || !isSameSession(now, session.refreshToken)) void this.#revoke(session);
    } catch (error) {
      if (!isCode(error, "UNAUTHENTICATED", "BAD_DATA")) throw error;
      // Another tab without locks may have renewed first. Then its token is the valid one.
      if (this.#tokens.get() === sent) this.#tokens.set(null);
    }
    return this.#current && this.#current !== before ? this.#current : this.#refresh();
  }

  /** Ends a session on the server. Ignores failures: this client no longer has its tokens. */
  async #revoke({ refreshToken, accessToken }: Revocable): Promise<void> {
    await this.#http.call("users.logout", { refreshToken }, { token: accessToken }).catch(() => {});
  }
}

/**
 * The time since now (ms), by the clock that shows more: the wall clock may be set back, and the monotonic one may stop while the device
 * sleeps. A wrong clock renews a token too early, never too late.
 */
function stopwatch(): () => number {
  const [wall, monotonic] = [Date.now(), performance.now()];
  return () => Math.max(Date.now() - wall, performance.now() - monotonic);
}

type Revocable = Pick<Session, "refreshToken" | "accessToken">;
