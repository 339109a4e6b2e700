import { channelsActions } from "./channels.ts";
import { deliveriesActions } from "./deliveries.ts";
import { marketActions } from "./market.ts";
import { notificationsActions, notificationsEvents } from "./notifications.ts";
import { recipientsActions, recipientsEvents } from "./recipients.ts";
import type { health } from "./schema.ts";
import { usersActions, usersEvents } from "./users.ts";

/** The services that own data. The market is ready when each of them answers its `health` action. */
export const services = ["market", "notifications", "users", "deliveries"] as const;
/** All services. api owns no data. */
export const serviceNames = ["api", ...services] as const;
export type ServiceName = (typeof serviceNames)[number];

/** The actions of all services, by name. */
export const actions = {
  ...marketActions,
  ...notificationsActions,
  ...channelsActions,
  ...recipientsActions,
  ...usersActions,
  ...deliveriesActions,
} satisfies Record<`${(typeof services)[number]}.health`, typeof health>;
export type Actions = typeof actions;
export type ActionName = keyof Actions;

/**
 * The events between services, by name. They are broadcasts that may be lost; a message that must arrive is a call
 * (docs/decisions/001).
 */
export const events = { ...notificationsEvents, ...recipientsEvents, ...usersEvents };
export type Events = typeof events;
export type EventName = keyof Events;
