import type { ApiClient, CallOptions } from "./call.ts";
import type { Params, Result } from "./request.ts";

export type Preferences = Result<"notifications.preferences">;
export type PreferencesChange = Params<"notifications.setPreferences">;
export type NewDevice = Params<"notifications.subscribe">;
export type Device = Result<"notifications.subscribe">;
export type NewWebhook = Params<"notifications.addWebhook">;
export type Webhook = Result<"notifications.changeWebhook">;
export type WebhookWithSecret = Result<"notifications.addWebhook">;
export type DeliveriesQuery = Omit<Params<"deliveries.list">, "id">;
export type DeliveriesPage = Result<"deliveries.list">;
export type WebhookDelivery = Result<"deliveries.replayOne">;
export type ChannelTest = Params<"notifications.testChannel">;
export type ChannelTestResult = Result<"notifications.testChannel">;

/** How the user is reached without an open page: by web push, mail, and webhooks. */
export interface Channels {
  /** What is on, the quiet hours, the devices, and which channels this market has. */
  preferences(options?: CallOptions): Promise<Preferences>;
  /** Changes some of the preferences, and returns all. */
  change(change: PreferencesChange, options?: CallOptions): Promise<Preferences>;
  /** Registers a browser with its `PushSubscription.toJSON()` until the session ends. The same endpoint again is the same device. */
  addDevice(device: NewDevice, options?: CallOptions): Promise<Device>;
  removeDevice(id: string, options?: CallOptions): Promise<void>;
  webhooks(options?: CallOptions): Promise<Webhook[]>;
  /** Only this answer has the webhook's secret. */
  addWebhook(webhook: NewWebhook, options?: CallOptions): Promise<WebhookWithSecret>;
  enableWebhook(id: string, isEnabled: boolean, options?: CallOptions): Promise<Webhook>;
  removeWebhook(id: string, options?: CallOptions): Promise<void>;
  /** Makes a new secret, which only this answer has. Requests are signed with the former one too, for 24 hours. */
  rotateSecret(id: string, options?: CallOptions): Promise<WebhookWithSecret>;
  /** What was sent to a webhook, newest first. */
  deliveries(id: string, query?: DeliveriesQuery, options?: CallOptions): Promise<DeliveriesPage>;
  /** Sends a notice to a webhook again, with the same `webhook-id`. */
  replay(id: string, deliveryId: string, options?: CallOptions): Promise<WebhookDelivery>;
  /** Sends a test message at once: to all devices, by mail, or to one webhook. `reason` says why it was not accepted. */
  test(test: ChannelTest, options?: CallOptions): Promise<ChannelTestResult>;
  /** Turns off the mails of the user to whom a mail with this token was sent. Nobody has to be signed in. */
  stopMail(token: string, options?: CallOptions): Promise<void>;
}

export const channelCalls = (api: ApiClient): Channels => ({
  preferences: (options) => api.call("notifications.preferences", {}, options),
  change: (change, options) => api.call("notifications.setPreferences", change, options),
  addDevice: (device, options) => api.call("notifications.subscribe", device, options),
  removeDevice: async (id, options) =>
    void (await api.call("notifications.unsubscribe", { id }, options)),
  webhooks: async (options) => (await api.call("notifications.webhooks", {}, options)).webhooks,
  addWebhook: (webhook, options) => api.call("notifications.addWebhook", webhook, options),
  enableWebhook: (id, isEnabled, options) =>
    api.call("notifications.changeWebhook", { id, isEnabled }, options),
  removeWebhook: async (id, options) =>
    void (await api.call("notifications.removeWebhook", { id }, options)),
  rotateSecret: (id, options) => api.call("notifications.rotateWebhook", { id }, options),
  deliveries: (id, query, options) => api.call("deliveries.list", { ...query, id }, options),
  replay: (id, deliveryId, options) =>
    api.call("deliveries.replayOne", { id, deliveryId }, options),
  test: (test, options) => api.call("notifications.testChannel", test, options),
  stopMail: async (token, options) =>
    void (await api.call("notifications.stopMail", { token }, options)),
});
