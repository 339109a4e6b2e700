import type { Config } from "../contracts/config.ts";
import type { ErrorCode, FieldError } from "../contracts/errors.ts";
import type { Item, Sale } from "../contracts/market.ts";
import type { Inbox, Notification, Read } from "../contracts/notifications.ts";
import type { Profile, User } from "../contracts/users.ts";
import { isCode, signInFirst, SoukError } from "./souk-error.ts";
import { http, routeOf, type Fetch, type Params, type Result, type Routed } from "./request.ts";
import { liveInbox, type InboxState, type LiveInbox } from "./inbox.ts";
import { persist } from "./retry.ts";
import { sessions, type SessionState } from "./session.ts";
import type { Store } from "./observable.ts";
import { globals } from "./globals.ts";
import { storedTokens, tokensInMemory, type Tokens } from "./tokens.ts";

export { SoukError, storedTokens };
export type {
  Config,
  Fetch,
  ErrorCode,
  FieldError,
  InboxState,
  Item,
  LiveInbox,
  Notification,
  Profile,
  Read,
  Sale,
  SessionState,
  Store,
  Tokens,
  User,
};

export type Credentials = Params<"users.login">;
export type Registration = Params<"users.register">;
export type PasswordChange = Params<"users.changePassword">;
export type ItemsQuery = Params<"market.items">;
export type ItemsPage = Result<"market.items">;
export type Offer = Params<"market.offer">;
export type Revision = Omit<Params<"market.revise">, "id">;
export type Bought = Result<"market.buy">;
export type PageQuery = Params<"market.sales">;
export type SalesPage = Result<"market.sales">;
export type InboxQuery = Params<"notifications.inbox">;
export type InboxPage = Inbox;

/** Which parts of the market answer. */
export interface Health {
  status: "ready" | "not ready";
  services: Record<string, "up" | "away" | "database away" | "cut off">;
}

export interface SoukOptions {
  /** Of api; "" in a page that api serves. */
  url: string;
  /** Of the sockets; the market says it itself. */
  socketUrl?: string;
  /** Where the refresh token lives: in memory, or `storedTokens()`. */
  tokens?: Tokens;
  fetch?: Fetch;
}

/**
 * A market, seen by one user. Every call that fails throws a SoukError. Reads and `buy` are repeated while they fail in passing; other
 * calls never are.
 */
export interface Souk {
  /** Who is signed in. */
  session: Store<SessionState>;
  /** Goes on with the session whose refresh token is stored, if there is one. Throws only when that cannot be found out. */
  resume(): Promise<User | null>;
  signIn(credentials: Credentials): Promise<User>;
  register(registration: Registration): Promise<User>;
  /** At once here; the server hears of it if it can be reached. */
  signOut(): Promise<void>;
  /** Ends all other sessions of the user. */
  changePassword(change: PasswordChange): Promise<User>;
  me(): Promise<User>;
  profile(id: string): Promise<Profile>;

  items(query?: ItemsQuery): Promise<ItemsPage>;
  item(id: string): Promise<Item>;
  offer(offer: Offer): Promise<Item>;
  revise(id: string, revision: Revision): Promise<Item>;
  withdraw(id: string): Promise<void>;
  /** Safe to repeat: the same buyer gets the same sale. With `price`, only at that price. */
  buy(id: string, options?: { price?: number }): Promise<Bought>;
  purchases(query?: PageQuery): Promise<SalesPage>;
  sales(query?: PageQuery): Promise<SalesPage>;

  notifications(query?: InboxQuery): Promise<InboxPage>;
  read(which: Read): Promise<{ unread: number }>;
  /** The live inbox: the same one every time, connected as long as somebody is signed in. */
  inbox(): LiveInbox;

  health(): Promise<Health>;
  config(): Promise<Config>;
}

export function createSouk(options: SoukOptions): Souk {
  const { tokens = tokensInMemory(), fetch = (url, init) => globalThis.fetch(url, init) } = options;
  const url = options.url.replace(/\/$/, "");
  const api = http(url, fetch);
  // What lives in this memory alone has no other tab.
  const session = sessions(api, tokens, options.tokens && `souk ${url}`);

  /** With the token of whoever is signed in now; a token that is refused is renewed, once. */
  async function asUser<T>(ask: (token: string) => Promise<T>): Promise<T> {
    const owner = session.state.get().user?.id;
    const attempt = async () => {
      const { token } = await session.access();
      // Another tab may have signed in as somebody else: who was asked to buy does not do so in their name.
      if (owner && owner !== session.state.get().user?.id)
        throw signInFirst("Somebody else is signed in now");
      return ask(token).catch((error: unknown) => {
        if (isCode(error, "UNAUTHENTICATED")) session.reject(token);
        throw error;
      });
    };
    return attempt().catch((error: unknown) => {
      if (isCode(error, "UNAUTHENTICATED") && session.state.get().status === "signedIn")
        return attempt();
      throw error;
    });
  }

  function call<A extends Routed>(action: A, params: Params<A>): Promise<Result<A>> {
    const { method, who } = routeOf(action);
    const attempt = () =>
      who === "user" ? asUser((token) => api.ask(action, params, token)) : api.ask(action, params);
    return method === "GET" || action === "market.buy" ? persist(attempt) : attempt();
  }

  let known: Promise<Config> | undefined;
  const config = () =>
    (known ??= persist(() => api.get("/config.json") as Promise<Config>).catch((error: unknown) => {
      known = undefined;
      throw error;
    }));

  async function socketUrl(): Promise<string> {
    if (options.socketUrl) return options.socketUrl;
    const { socketUrl, socketPort } = await config();
    if (socketUrl) return socketUrl;
    const { protocol, hostname } = new URL(url || globals.location!.href);
    return `${protocol}//${hostname}:${socketPort}`;
  }

  const inbox = liveInbox({
    session,
    inboxOf: (which) => call("notifications.inbox", which),
    markRead: (read) => call("notifications.read", read),
    socketUrl,
  });

  return {
    session: session.state,
    resume: session.resume,
    signIn: (credentials) => session.begin(() => call("users.login", credentials)),
    register: (registration) => session.begin(() => call("users.register", registration)),
    signOut: session.end,
    changePassword: (change) =>
      session.replace((token) => api.ask("users.changePassword", change, token)),
    me: () => call("users.me", {}),
    profile: (id) => call("users.profile", { id }),

    items: (query = {}) => call("market.items", query),
    item: (id) => call("market.item", { id }),
    offer: (offer) => call("market.offer", offer),
    revise: (id, revision) => call("market.revise", { ...revision, id }),
    withdraw: async (id) => void (await call("market.withdraw", { id })),
    buy: (id, { price } = {}) => call("market.buy", { id, price }),
    purchases: (query = {}) => call("market.purchases", query),
    sales: (query = {}) => call("market.sales", query),

    notifications: (query = {}) => call("notifications.inbox", query),
    read: (which) => call("notifications.read", which),
    inbox() {
      inbox.open();
      return inbox;
    },

    health: () => api.get("/health/ready", 503) as Promise<Health>,
    config,
  };
}
