import type { Config } from "../contracts/config.ts";
import type { Readiness } from "../contracts/health.ts";
import type { Item, Sale } from "../contracts/market.ts";
import type { Read } from "../contracts/notifications.ts";
import type { Profile, User } from "../contracts/users.ts";
import type { CallOptions } from "./call.ts";
import type { Channels } from "./channel-calls.ts";
import type { LiveInbox } from "./inbox/live-inbox.ts";
import type { List } from "./list.ts";
import type { InboxPage, Notification } from "./notices.ts";
import type { Observable } from "./observable.ts";
import type { Fetch, Params, Result } from "./request.ts";
import type { SessionState } from "./session/session-manager.ts";
import type { Tokens } from "./tokens.ts";

export type Credentials = Params<"users.login">;
export type Registration = Params<"users.register">;
export type PasswordChange = Params<"users.changePassword">;
export type VerificationRequest = Params<"users.requestVerification">;
export type Verification = Result<"users.requestVerification">;
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

/** What a buyer saw. A purchase at another price or of another revision is refused. */
export interface BuyOptions extends CallOptions {
  price?: number | undefined;
  revision?: number | undefined;
}

/**
 * A market as one user sees it. A call that fails throws a SoukError, and a call whose `signal` is aborted throws the signal's reason. Reads,
 * `register`, `offer`, `withdraw`, `buy`, and `read` with `ids` or `until` are repeated after temporary failures; other calls are sent once.
 */
export interface Souk {
  /** The signed-in user. */
  session: Observable<SessionState>;
  /** Continues the session whose refresh token is stored, if there is one. Throws only when it is not known whether that is still valid. */
  resume(options?: CallOptions): Promise<User | null>;
  signIn(credentials: Credentials, options?: CallOptions): Promise<User>;
  register(registration: Registration, options?: CallOptions): Promise<User>;
  /** Signs out here immediately, and on the server if it can be reached. */
  signOut(options?: CallOptions): Promise<void>;
  /** Ends all other sessions of the user. */
  changePassword(change: PasswordChange, options?: CallOptions): Promise<User>;
  /** The user as the server has it now, also in `session`. */
  me(options?: CallOptions): Promise<User>;
  /** Sends the mail with the link that verifies the address again; at most three in an hour. Nothing when the address is verified. */
  requestVerification(request?: VerificationRequest, options?: CallOptions): Promise<Verification>;
  /** Verifies an address with the token in the link of the mail, whoever is signed in. Throws LINK_NOT_VALID or ALREADY_VERIFIED. */
  verify(token: string, options?: CallOptions): Promise<Verification>;
  profile(id: string, options?: CallOptions): Promise<Profile>;

  /** The `imageUrl` of each item is absolute, unless `url` is "". */
  items: List<ItemsQuery, ItemsPage, Item>;
  item(id: string, options?: CallOptions): Promise<Item>;
  /** With an `idempotencyKey` of your own, the same offer can be repeated for 24 hours, also after a reload, and makes one item. */
  offer(offer: Offer, options?: CallOptions): Promise<Item>;
  revise(id: string, revision: Revision, options?: CallOptions): Promise<Item>;
  withdraw(id: string, options?: CallOptions): Promise<void>;
  /** Safe to repeat: the same buyer gets the same sale. With `price` or `revision`, buys only at that price or as that revision. */
  buy(id: string, options?: BuyOptions): Promise<Bought>;
  purchases: List<PageQuery, SalesPage, Sale>;
  sales: List<PageQuery, SalesPage, Sale>;

  notifications: List<InboxQuery, InboxPage, Notification>;
  read(which: Read, options?: CallOptions): Promise<{ unread: number }>;
  /** The live inbox: the same object at every call, connected while a user is signed in. */
  inbox(): LiveInbox;

  /** How the user is reached without an open page. */
  channels: Channels;

  health(options?: CallOptions): Promise<Health>;
  config(options?: CallOptions): Promise<Config>;
}
