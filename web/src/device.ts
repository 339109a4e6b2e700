/** This browser as a device that gets pushes: its subscription (PushSubscription), which belongs to the user who made it. */
import { canNotify } from "./alerts.ts";
import type { OpenView } from "./worker/messages.ts";
import { deviceLabel } from "./device-label.ts";
import { navigate, safePath } from "./router.ts";
import { souk } from "./souk.ts";
import { get, remove, set } from "./storage.ts";
import { state } from "./state.ts";
import { language } from "./texts.ts";

/** `unsupported`: by the browser or the market. `blocked`: the visitor has refused notifications in the browser. */
export type DeviceStatus = "unknown" | "unsupported" | "blocked" | "off" | "on";
export const device = state<{ status: DeviceStatus; id?: string }>({ status: "unknown" });

/** What the browser was registered as. */
interface Registered {
  userId: string;
  id: string;
  endpoint: string;
  /** When it was registered last (ms since 1970). */
  at: number;
}

const storedAs = "souk.device";
/** The market keeps the devices that were used last: registering again is a use. */
const useEveryMs = 86_400_000;
/** A service worker that was not installed by then never is: private windows have none. */
const workerWithinMs = 10_000;

/** Follows the session: the subscription ends with it. Shows the views of tapped notifications. */
export function followDevice(): void {
  navigator.serviceWorker?.addEventListener("message", ({ data }: MessageEvent<OpenView>) => {
    if (typeof data?.open === "string") navigate(safePath(data.open));
  });
  let of: string | null | undefined;
  souk.session.subscribe(({ status, user }) => {
    const userId = status === "unknown" ? undefined : (user?.id ?? null);
    if (userId === undefined || userId === of) return;
    of = userId;
    // Offline, or without storage: the next visit tries again.
    void (userId === null ? end() : resume(userId)).catch(() => {});
  });
}

/** Asks for the browser's permission, and registers it. Call it on a click. Rejects when the browser or the market refuses. */
export async function subscribe(): Promise<void> {
  const permission = await Notification.requestPermission();
  if (permission !== "granted")
    return device.set({ status: permission === "denied" ? "blocked" : "off" });
  const { pushKey } = await souk.config();
  const subscription = await (
    await readyWorker()
  ).pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: pushKey });
  await register(subscription);
  await souk.channels.change({ push: true, language: language === "de" ? "de" : "en" });
}

/** Ends the subscription here and at the market. */
export async function unsubscribe(): Promise<void> {
  const registered = stored();
  await end();
  if (registered) await souk.channels.removeDevice(registered.id);
}

/** At a visit: what the browser is registered as may have ended or changed meanwhile. */
async function resume(userId: string): Promise<void> {
  if (!(await isSupported())) return device.set({ status: "unsupported" });
  const subscription = await currentSubscription();
  const registered = stored();
  if (!subscription || registered?.userId !== userId) return end();
  const { devices } = await souk.channels.preferences();
  // Removed on another device, or the session in which it was registered has ended.
  if (!devices.some(({ id }) => id === registered.id)) return end();
  device.set({ status: "on", id: registered.id });
  const { pushKey } = await souk.config();
  if (keyOf(subscription) !== pushKey) return renew(subscription, pushKey);
  const isDue = Date.now() - registered.at > useEveryMs;
  if (registered.endpoint !== subscription.endpoint || isDue) await register(subscription);
}

/** The market has another key now: it can no longer push to the former subscription. */
async function renew(former: PushSubscription, pushKey: string | null): Promise<void> {
  await former.unsubscribe();
  const { pushManager } = await readyWorker();
  const options = { userVisibleOnly: true, applicationServerKey: pushKey };
  await register(await pushManager.subscribe(options));
}

async function register(subscription: PushSubscription): Promise<void> {
  const userId = souk.session.get().user!.id;
  const { endpoint, keys } = subscription.toJSON();
  const { p256dh = "", auth = "" } = keys ?? {};
  const label = deviceLabel(navigator.userAgent);
  const { id } = await souk.channels.addDevice({
    ...{ endpoint: endpoint!, keys: { p256dh, auth } },
    ...(label && { label }),
  });
  const registered: Registered = { userId, id, endpoint: endpoint!, at: Date.now() };
  set(storedAs, JSON.stringify(registered));
  device.set({ status: "on", id });
}

/** Ends the subscription of this browser. The market removes it with the session, or when its push service says so. */
async function end(): Promise<void> {
  remove(storedAs);
  const isPossible = await isSupported();
  const isBlocked = isPossible && Notification.permission === "denied";
  device.set({ status: !isPossible ? "unsupported" : isBlocked ? "blocked" : "off" });
  await (await currentSubscription())?.unsubscribe();
}

function stored(): Registered | undefined {
  try {
    return (JSON.parse(get(storedAs) ?? "null") as Registered | null) ?? undefined;
  } catch {
    return undefined;
  }
}

async function isSupported(): Promise<boolean> {
  if (!canNotify || !("PushManager" in globalThis) || !navigator.serviceWorker) return false;
  return (await souk.config()).pushKey !== null;
}

async function currentSubscription(): Promise<PushSubscription | null> {
  const worker = await navigator.serviceWorker?.getRegistration();
  return (await worker?.pushManager?.getSubscription()) ?? null;
}

function readyWorker(): Promise<ServiceWorkerRegistration> {
  const late = new Promise<never>((_, reject) => {
    const error = new Error("The page has no service worker.");
    setTimeout(() => reject(error), workerWithinMs);
  });
  return Promise.race([navigator.serviceWorker.ready, late]);
}

/** The key that a subscription was made with, in base64url. */
function keyOf({ options }: PushSubscription): string {
  const bytes = new Uint8Array(options.applicationServerKey ?? new ArrayBuffer(0));
  const text = btoa(String.fromCharCode(...bytes));
  return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
