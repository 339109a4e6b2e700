/** What is said to those who do not see it, and the short messages that come and go on every view. */
import type { Notification as Notice } from "../../contracts/notifications.ts";
import { set, get } from "./storage.ts";
import { money } from "./money.ts";
import { inbox, learn } from "./item-cache.ts";
import { state } from "./state.ts";

/** Read out by screen readers, once what they are saying is said. */
export const said = state("");
/** The same sentence twice is said twice. */
export const say = (text: string) => said.set(said.get() === text ? `${text}\u00A0` : text);

export interface Toast {
  id: string;
  title: string;
  detail: string;
}

export const toasts = state<readonly Toast[]>([]);
/** More at once say less. */
const mostToasts = 3;
/** Milliseconds. */
const toastLives = 9_000;
const timers = new Map<string, ReturnType<typeof setTimeout>>();

export function dismiss(id: string): void {
  clearTimeout(timers.get(id));
  timers.delete(id);
  toasts.set(toasts.get().filter((toast) => toast.id !== id));
}

/** While the visitor reads or points at them they stay. */
export function hold(isHeld: boolean): void {
  for (const { id } of toasts.get()) {
    clearTimeout(timers.get(id));
    if (!isHeld)
      timers.set(
        id,
        setTimeout(() => dismiss(id), toastLives),
      );
  }
}

export interface SaleData {
  itemId: string;
  title: string;
  price: number;
  currency: string;
}

/** What a notice says of a sale; undefined for notices of other kinds, and for what is not as it should be. */
export function saleIn({ type, data }: Notice): SaleData | undefined {
  const { itemId, title, price, currency } = data as Partial<SaleData>;
  const isSale = type === "sale" && typeof itemId === "string" && typeof title === "string";
  return isSale && Number.isInteger(price) && /^[A-Z]{3}$/.test(currency ?? "")
    ? (data as unknown as SaleData)
    : undefined;
}

function toastOf(notice: Notice): Toast {
  const sale = saleIn(notice);
  if (!sale) return { id: notice.id, title: notice.text, detail: "" };
  return {
    id: notice.id,
    title: sale.title,
    detail: `sold for ${money(sale.price, sale.currency)}`,
  };
}

inbox.onNotification((notice) => {
  const sale = saleIn(notice);
  if (sale) learn(sale.itemId, { isSold: true });
  const toast = toastOf(notice);
  for (const { id } of toasts.get().slice(mostToasts - 1)) dismiss(id);
  toasts.set([toast, ...toasts.get()]);
  timers.set(
    toast.id,
    setTimeout(() => dismiss(toast.id), toastLives),
  );
  void ring(toast);
});

// Read here or on another tab: it needs no more showing.
inbox.subscribe(({ notifications, unread }) => {
  const waiting = new Set(notifications.map(({ id }) => id));
  for (const { id } of toasts.get())
    if (unread === 0 || (notifications.length > 0 && !waiting.has(id))) dismiss(id);
});

/** What the visitor agreed to: a sound, a notification of the system. */
export interface Alerts {
  sound: boolean;
  desktop: boolean;
}

export const canNotify = "Notification" in globalThis;
const isAllowed = () => canNotify && Notification.permission === "granted";
export const alerts = state<Alerts>({
  sound: get("souk.sound") === "on",
  desktop: get("souk.desktop") === "on" && isAllowed(),
});

export function setSound(isOn: boolean): void {
  set("souk.sound", isOn ? "on" : "off");
  alerts.set({ ...alerts.get(), sound: isOn });
  if (isOn) chime();
}

/** Asks the visitor, if the browser has not yet. */
export async function setDesktop(isOn: boolean): Promise<void> {
  const desktop = isOn && canNotify && (await Notification.requestPermission()) === "granted";
  set("souk.desktop", desktop ? "on" : "off");
  alerts.set({ ...alerts.get(), desktop });
}

/** Of all open tabs one does it. */
async function ring({ id, title, detail }: Toast): Promise<void> {
  const { sound, desktop } = alerts.get();
  if (!sound && !(desktop && document.hidden)) return;
  const act = async (isFirst: unknown) => {
    if (!isFirst) return;
    const show = async () =>
      desktop &&
      document.hidden &&
      new Notification(title, { body: detail, tag: id, icon: "/assets/icon.svg" });
    const play = async () => sound && chime();
    // A browser may refuse either (phones have no such notifications, others no sound): that takes nothing from the other.
    await Promise.allSettled([show(), play()]);
    await new Promise((resolve) => setTimeout(resolve, 2_000));
  };
  await (navigator.locks
    ? navigator.locks.request(`souk.ring.${id}`, { ifAvailable: true }, act)
    : act(true));
}

let audio: AudioContext | undefined;

/** Two soft strokes on brass. */
function chime(): void {
  audio ??= new AudioContext();
  void audio.resume();
  for (const [pitch, after] of [
    [1046, 0],
    [1568, 0.14],
  ] as const) {
    const start = audio.currentTime + after;
    const tone = new OscillatorNode(audio, { frequency: pitch, type: "triangle" });
    const volume = new GainNode(audio, { gain: 0 });
    volume.gain.setValueAtTime(0.12, start);
    volume.gain.exponentialRampToValueAtTime(0.0001, start + 0.7);
    tone.connect(volume).connect(audio.destination);
    tone.start(start);
    tone.stop(start + 0.75);
  }
}
