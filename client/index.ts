import type { Config } from "../contracts/config.ts";
import type { ErrorCode, FieldError } from "../contracts/errors.ts";
import type { Readiness } from "../contracts/health.ts";
import type { Item, Sale } from "../contracts/market.ts";
import type { Read, SaleData } from "../contracts/notifications.ts";
import type { Profile, User } from "../contracts/users.ts";
import { ApiClient } from "./call.ts";
import { ConfigReader } from "./config.ts";
import { inboxCalls } from "./inbox/calls.ts";
import { InboxController } from "./inbox/controller.ts";
import type {
  ConnectionState,
  HistoryState,
  InboxHistory,
  InboxState,
  LiveInbox,
  LoadedInbox,
  UnknownInbox,
} from "./inbox/live-inbox.ts";
import { formatPrice, toPriceInput, type PriceOptions } from "./money/format.ts";
import { parsePrice, type PriceFault, type PriceReading } from "./money/parse.ts";
import {
  toInboxPage,
  type InboxPage,
  type NoticeFields,
  type Notification,
  type OtherNotice,
  type PlainNotice,
  type SaleNotice,
} from "./notices.ts";
import type { Observable } from "./observable.ts";
import { HttpClient, type Fetch, type Params, type Result } from "./request.ts";
import { SessionManager, type SessionState } from "./session/session-manager.ts";
import { SoukError } from "./souk-error.ts";
import { memoryTokens, storedTokens, type Tokens } from "./tokens.ts";

export { SoukError, formatPrice, parsePrice, storedTokens, toPriceInput };
export type {
  Config,
  ConnectionState,
  Fetch,
  ErrorCode,
  FieldError,
  HistoryState,
  InboxHistory,
  InboxPage,
  InboxState,
  Item,
  LiveInbox,
  LoadedInbox,
  NoticeFields,
  Notification,
  OtherNotice,
  PlainNotice,
  PriceFault,
  PriceOptions,
  PriceReading,
  Profile,
  Read,
  Sale,
  SaleData,
  SaleNotice,
  SessionState,
  Observable,
  Tokens,
  UnknownInbox,
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

/** The state of each part of the market. */
export type Health = Readiness;

export interface SoukOptions {
  /** The URL of the API; "" in a page that the API serves. */
  url: string;
  /** The URL of the sockets. By default the client asks the API for it. */
  socketUrl?: string;
  /** Storage for the refresh token: in memory by default, or `storedTokens()`. */
  tokens?: Tokens;
  fetch?: Fetch;
}

/**
 * A market as one user sees it. A call that fails throws a SoukError. Reads and `buy` are repeated after temporary failures; other calls
 * are sent once.
 */
export interface Souk {
  /** The signed-in user. */
  session: Observable<SessionState>;
  /** Continues the session whose refresh token is stored, if there is one. Throws only when it is not known whether that is still valid. */
  resume(): Promise<User | null>;
  signIn(credentials: Credentials): Promise<User>;
  register(registration: Registration): Promise<User>;
  /** Signs out here immediately, and on the server if it can be reached. */
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
  /** Safe to repeat: the same buyer gets the same sale. With `price` or `revision`, buys only at that price or as that revision. */
  buy(id: string, options?: { price?: number; revision?: number }): Promise<Bought>;
  purchases(query?: PageQuery): Promise<SalesPage>;
  sales(query?: PageQuery): Promise<SalesPage>;

  notifications(query?: InboxQuery): Promise<InboxPage>;
  read(which: Read): Promise<{ unread: number }>;
  /** The live inbox: the same object at every call, connected while a user is signed in. */
  inbox(): LiveInbox;

  health(): Promise<Health>;
  config(): Promise<Config>;
}

export function createSouk(options: SoukOptions): Souk {
  const { tokens = memoryTokens(), fetch = (url, init) => globalThis.fetch(url, init) } = options;
  const url = options.url.replace(/\/$/, "");
  const http = new HttpClient(url, fetch);
  // Tokens in memory are not shared with other tabs, so they need no lock.
  const session = new SessionManager(http, tokens, options.tokens && `souk ${url}`);
  const api = new ApiClient(http, session);
  const config = new ConfigReader(http, url);
  const socketUrl = async () => options.socketUrl || config.socketUrl();
  const inbox = new InboxController(session, inboxCalls(api, socketUrl));
  return {
    session: session.state,
    ...accountCalls(http, session, api),
    ...marketCalls(api),
    notifications: async (query = {}) => toInboxPage(await api.call("notifications.inbox", query)),
    read: (which) => api.call("notifications.read", which),
    inbox() {
      inbox.open();
      return inbox;
    },
    health: () => http.get("/health/ready", 503) as Promise<Health>,
    config: () => config.read(),
  };
}

const accountCalls = (http: HttpClient, session: SessionManager, api: ApiClient) =>
  ({
    resume: () => session.resume(),
    signIn: (credentials) => session.begin(api.call("users.login", credentials)),
    register: (registration) => session.begin(api.call("users.register", registration)),
    signOut: () => session.end(),
    changePassword: (change) =>
      session.replace((token) => http.call("users.changePassword", change, token)),
    me: () => api.call("users.me", {}),
    profile: (id) => api.call("users.profile", { id }),
  }) satisfies Partial<Souk>;

const marketCalls = (api: ApiClient) =>
  ({
    items: (query = {}) => api.call("market.items", query),
    item: (id) => api.call("market.item", { id }),
    offer: (offer) => api.call("market.offer", offer),
    revise: (id, revision) => api.call("market.revise", { ...revision, id }),
    withdraw: async (id) => void (await api.call("market.withdraw", { id })),
    buy: (id, { price, revision } = {}) => api.call("market.buy", { id, price, revision }),
    purchases: (query = {}) => api.call("market.purchases", query),
    sales: (query = {}) => api.call("market.sales", query),
  }) satisfies Partial<Souk>;
