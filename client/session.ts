import type { Session, User } from "../contracts/users.ts";
import { isCode, signInFirst, SoukError, unanswered } from "./souk-error.ts";
import type { Http, Params } from "./request.ts";
import { observable, type Store } from "./observable.ts";
import { globals } from "./globals.ts";
import type { Tokens } from "./tokens.ts";

export interface SessionState {
  user: User | null;
  /** `unknown` until it is known whether the stored token still is worth something. */
  status: "unknown" | "signedIn" | "signedOut";
}

/** An access token. Instants in ms since 1970. */
export interface Access {
  token: string;
  until: number;
  /** From then on another is wanted. */
  renewAt: number;
}

export interface Sessions {
  state: Store<SessionState>;
  /** A token that is good now. Throws UNAUTHENTICATED when nobody is signed in. */
  access(): Promise<Access>;
  /** One that is good for a while; waits for it. */
  fresh(): Promise<Access>;
  /** The server does not take it (any more). */
  reject(token: string): void;
  resume(): Promise<User | null>;
  /** Begins the session that `ask` returns. */
  begin(ask: () => Promise<Session>): Promise<User>;
  /** Replaces the session by the one that `ask` returns; who needs a token meanwhile waits for it. */
  replace(ask: (token: string) => Promise<Session>): Promise<User>;
  end(): Promise<void>;
}

/** How long before its end a token is renewed, at most (ms). */
const margin = 60_000;
/** How long another tab may take to renew (ms): one that is frozen holds the lock for as long as it is. */
const lockWithin = 20_000;

/** Who is signed in. The access token stays in memory; the refresh token lives in `tokens`, which tabs may share. */
export function sessions({ ask }: Http, tokens: Tokens, lock?: string): Sessions {
  const state = observable<SessionState>({ user: null, status: "unknown" });
  let current: Access | undefined;
  let renewing: Promise<Access> | undefined;

  function adopt({ user, accessToken, refreshToken, expiresIn }: Session): Access {
    const [now, life] = [Date.now(), expiresIn * 1000];
    // Spread, because all that came in together would come again together.
    const early = Math.min(margin, life / 4) * (1 + Math.random());
    current = { token: accessToken, until: now + life, renewAt: now + life - early };
    tokens.set(refreshToken);
    show({ user, status: "signedIn" });
    return current;
  }

  function forget(): void {
    current = undefined;
    show({ user: null, status: "signedOut" });
  }

  const show = (next: SessionState) =>
    void (JSON.stringify(next) !== JSON.stringify(state.get()) && state.set(next));

  /** One for all who wait, and one at a time for all tabs. */
  const alone = (run: () => Promise<Access>) =>
    (renewing = locked(lock, run).finally(() => (renewing = undefined)));
  const renew = () => renewing ?? alone(exchange);

  /** A refresh token buys the next pair, once: sent for a second refresh, it ends the session. So it is read here, where no other tab is at it. */
  async function exchange(): Promise<Access> {
    const [before, kept] = [current, tokens.get()];
    if (!kept) {
      forget();
      throw signInFirst();
    }
    // The key is kept before it is sent: whoever gets no answer, or has left the page before it came, asks for the same refresh again.
    if (!kept.includes("~")) tokens.set(`${kept}~${newKey()}`);
    const sent = tokens.get() ?? kept;
    try {
      const session = await ask("users.refresh", refreshOf(sent));
      const now = tokens.get();
      if (now === sent || now === session.refreshToken) return adopt(session);
      // Signed out, or in as somebody else, while this was under way; or another tab, without locks, is further already.
      if (!now || sessionOf(now) !== sessionOf(session.refreshToken))
        void farewell(session.refreshToken, session.accessToken);
    } catch (error) {
      if (!isCode(error, "UNAUTHENTICATED", "BAD_DATA")) throw error;
      // Without locks another tab may have been faster: then its token is the good one.
      if (tokens.get() === sent) tokens.set(null);
    }
    return current && current !== before ? current : exchange();
  }

  /** Whatever becomes of it, nobody here has those tokens any more. */
  const farewell = (refreshToken: string, token: string) =>
    ask("users.logout", { refreshToken }, token).catch(() => {});

  const isGood = ({ until }: Access) => Date.now() < until;
  const isFresh = (access = current): access is Access =>
    access !== undefined && Date.now() < access.renewAt;

  async function resume(): Promise<User | null> {
    try {
      if (!isFresh()) await renew();
    } catch (error) {
      if (!isCode(error, "UNAUTHENTICATED")) throw error;
    }
    return state.get().user;
  }

  tokens.onChange?.(() => {
    if (!tokens.get()) return forget();
    // Another tab signed in. When it only renewed the token there is nothing to do.
    if (state.get().status !== "signedIn") resume().catch(() => {});
  });

  return {
    state,
    resume,
    async access() {
      if (isFresh(current)) return current;
      const renewed = renew();
      if (!current || !isGood(current)) return renewed;
      // It still is good: nobody waits, and nobody fails when users is away.
      renewed.catch(() => {});
      return current;
    },
    fresh: async () => (isFresh(current) ? current : renew()),
    reject(token) {
      if (current?.token === token) current = undefined;
    },
    async begin(ask) {
      adopt(await ask());
      return state.get().user!;
    },
    async replace(ask) {
      const { token } = await this.access();
      await renewing?.catch(() => {});
      await alone(async () => {
        const session = await ask(token);
        if (tokens.get()) return adopt(session);
        void farewell(session.refreshToken, session.accessToken);
        throw signInFirst("Signed out meanwhile");
      });
      return state.get().user!;
    },
    async end() {
      const [kept, access] = [tokens.get(), current];
      tokens.set(null);
      forget();
      if (!kept) return;
      const refresh = refreshOf(kept);
      if (access && isGood(access))
        return void (await farewell(refresh.refreshToken, access.token));
      const session = await ask("users.refresh", refresh).catch(() => null);
      if (session) await farewell(session.refreshToken, session.accessToken);
    },
  };
}

/** What is asked for: the refresh token, and behind a `~` the key of the refresh that was begun with it. */
function refreshOf(kept: string): Params<"users.refresh"> {
  const [refreshToken = "", idempotencyKey] = kept.split("~");
  return { refreshToken, idempotencyKey };
}

/** It begins with the ids of its user and its session. */
const sessionOf = (refreshToken: string) => refreshToken.split(".", 2).join(".");

/** 128 bits. */
const newKey = () => globals.crypto.getRandomValues(new Uint32Array(4)).join("-");

/** Runs it while no other tab runs its own; where there are no locks (pages without TLS), at once. */
async function locked<T>(name: string | undefined, run: () => Promise<T>): Promise<T> {
  const locks = name === undefined ? undefined : globals.navigator?.locks;
  if (!locks) return run();
  return locks
    .request(name!, { signal: AbortSignal.timeout(lockWithin) }, run)
    .catch((error: unknown) => {
      throw error instanceof SoukError ? error : unanswered(error);
    });
}
