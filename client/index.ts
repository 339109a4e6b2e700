import type { Config } from "../contracts/config.ts";
import type { ErrorCode, FieldError } from "../contracts/errors.ts";
import type { Item, Sale } from "../contracts/market.ts";
import type { Read, SaleData } from "../contracts/notifications.ts";
import type { Profile, User } from "../contracts/users.ts";
import { abortable } from "./abort.ts";
import { ApiClient, type CallOptions } from "./call.ts";
import { channelCalls } from "./channel-calls.ts";
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
import { listOf, type List } from "./list.ts";
import { marketCalls } from "./market-calls.ts";
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
import { HttpClient, type Fetch } from "./request.ts";
import { SessionManager, type SessionState } from "./session/session-manager.ts";
import { SoukError } from "./souk-error.ts";
import type { Health, SoukOptions, Souk } from "./souk.ts";
import { memoryTokens, storedTokens, type Tokens } from "./tokens.ts";

export { SoukError, formatPrice, parsePrice, storedTokens, toPriceInput };
export type {
  CallOptions,
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
  List,
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

export type {
  ChannelTest,
  ChannelTestResult,
  Channels,
  DeliveriesPage,
  DeliveriesQuery,
  Device,
  NewDevice,
  NewWebhook,
  Preferences,
  PreferencesChange,
  Webhook,
  WebhookDelivery,
  WebhookWithSecret,
} from "./channel-calls.ts";

export type {
  Credentials,
  Registration,
  PasswordChange,
  VerificationRequest,
  Verification,
  ItemsQuery,
  ItemsPage,
  Offer,
  Revision,
  Bought,
  PageQuery,
  SalesPage,
  InboxQuery,
  Health,
  SoukOptions,
  BuyOptions,
  Souk,
} from "./souk.ts";

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
  const userId = () => session.state.get().user?.id;
  return {
    session: session.state,
    ...accountCalls(http, session, api),
    ...marketCalls(api, url, userId),
    notifications: listOf({
      page: async (query, call) => toInboxPage(await api.call("notifications.inbox", query, call)),
      entries: ({ notifications }) => notifications,
      owner: userId,
    }),
    read: (which, call) => api.call("notifications.read", which, call),
    channels: channelCalls(api),
    inbox() {
      inbox.open();
      return inbox;
    },
    health: ({ signal } = {}) =>
      abortable(signal, () => http.get("/health/ready", { signal }, 503) as Promise<Health>),
    config: ({ signal } = {}) => abortable(signal, () => config.read()),
  };
}

/** What calls share, such as a renewed session, is not aborted by one of them: that one only stops waiting. */
const accountCalls = (http: HttpClient, session: SessionManager, api: ApiClient) =>
  ({
    resume: ({ signal } = {}) => abortable(signal, () => session.resume()),
    signIn: (credentials, options) => session.begin(api.call("users.login", credentials, options)),
    register: (registration, options) =>
      session.begin(api.call("users.register", registration, options)),
    signOut: ({ signal } = {}) => abortable(signal, () => session.end()),
    changePassword: (change, { signal } = {}) =>
      abortable(signal, () =>
        session.replace((token) => http.call("users.changePassword", change, { token })),
      ),
    me: async (options) => session.update(await api.call("users.me", {}, options)),
    requestVerification: (request = {}, options) =>
      api.call("users.requestVerification", request, options),
    verify: (token, options) => api.call("users.verify", { token }, options),
    profile: (id, options) => api.call("users.profile", { id }, options),
  }) satisfies Partial<Souk>;
