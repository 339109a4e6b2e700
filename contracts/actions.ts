import { marketActions } from "./market.ts";
import { notificationsActions, notificationsEvents } from "./notifications.ts";
import { usersActions, usersEvents } from "./users.ts";

/** All that services may ask of each other, by name. */
export const actions = { ...marketActions, ...notificationsActions, ...usersActions };
export type Actions = typeof actions;
export type ActionName = keyof Actions;

/** All that services tell each other. Only hints: what must arrive travels as a call (docs/decisions/001). */
export const events = { ...notificationsEvents, ...usersEvents };
export type Events = typeof events;
export type EventName = keyof Events;

/** The services that own data, and so must be reachable for the market to be ready. */
export const services = ["market", "notifications", "users"] as const;
/** All services; api owns nothing. */
export const serviceNames = ["api", ...services] as const;
export type ServiceName = (typeof serviceNames)[number];
