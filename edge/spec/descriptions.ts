import type { ErrorCode } from "../../contracts/errors.ts";
import type { Route, routes } from "../../contracts/routes.ts";

export type RoutedAction = (typeof routes)[number]["action"];

/** One line about each route, for /docs. A route without a line here does not compile. */
export const summaries: Record<RoutedAction, string> = {
  "users.register": "Create an account and sign in",
  "users.login": "Sign in",
  "users.refresh": "Exchange the refresh token for the next pair of tokens; it is valid once",
  "users.logout": "Sign out: this session's tokens and sockets end",
  "users.changePassword": "Change the password; every other session ends",
  "users.requestVerification": "Send the mail that verifies the email address again",
  "users.verify": "Verify an email address with the token of the mail; valid once, for 24 hours",
  "users.me": "The signed-in user",
  "users.profile": "The public profile of a user",
  "market.items": "Browse and search items",
  "market.item": "One item",
  "market.offer": "Offer an item for sale",
  "market.revise": "Change one's own unsold item",
  "market.withdraw": "Withdraw one's own unsold item",
  "market.buy": "Buy an item, once; safe to repeat. With a price or revision, only so",
  "market.purchases": "The caller's purchases, newest first",
  "market.sales": "The caller's sales, newest first",
  "notifications.inbox": "The caller's notices, newest first",
  "notifications.read": "Mark notices as read: some, all, or all until one",
  "notifications.preferences": "How the caller is reached without an open page",
  "notifications.setPreferences": "Change how the caller is reached",
  "notifications.subscribe": "Push notices to a browser, until its session ends",
  "notifications.unsubscribe": "Push no more notices to a browser",
  "notifications.webhooks": "The caller's webhooks",
  "notifications.addWebhook": "Send notices to a URL, signed with the secret in the answer",
  "notifications.changeWebhook": "Disable or enable a webhook",
  "notifications.removeWebhook": "Remove a webhook",
  "notifications.rotateWebhook": "Make a new secret; the former one is valid for 24 hours",
  "notifications.testChannel": "Send a test message to the caller by one channel",
  "notifications.stopMail": "Stop the mails to a user by the token of a mail (RFC 8058)",
  "deliveries.list": "The deliveries to one of the caller's webhooks, newest first",
  "deliveries.replayOne": "Send a notice to one of the caller's webhooks again",
};

/** The codes that only some actions refuse with, for /docs. */
export const refusals: Partial<Record<Route["action"], ErrorCode[]>> = {
  "users.register": ["EMAIL_TAKEN"],
  "users.login": ["INVALID_CREDENTIALS"],
  "users.refresh": ["UNAUTHENTICATED"],
  "users.requestVerification": ["NOT_FOUND"],
  "users.verify": ["LINK_NOT_VALID", "ALREADY_VERIFIED"],
  "users.me": ["NOT_FOUND"],
  "users.changePassword": ["NOT_FOUND"],
  "users.profile": ["NOT_FOUND"],
  "deliveries.replayOne": ["NOT_FOUND"],
  "notifications.unsubscribe": ["NOT_FOUND"],
  "notifications.addWebhook": ["TOO_MANY_WEBHOOKS"],
  "notifications.changeWebhook": ["NOT_FOUND"],
  "notifications.removeWebhook": ["NOT_FOUND"],
  "notifications.rotateWebhook": ["NOT_FOUND"],
  "notifications.testChannel": ["NOT_FOUND"],
  "market.item": ["ITEM_NOT_FOUND"],
  "market.revise": ["ITEM_NOT_FOUND", "ITEM_SOLD"],
  "market.withdraw": ["ITEM_NOT_FOUND", "ITEM_SOLD"],
  "market.buy": ["ITEM_NOT_FOUND", "ITEM_SOLD", "OWN_ITEM", "PRICE_CHANGED", "ITEM_CHANGED"],
};
