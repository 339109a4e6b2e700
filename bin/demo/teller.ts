import { io, type Socket } from "socket.io-client";
import type { Inbox, Notification } from "../../contracts/notifications.ts";
import type { ServerToClient } from "../../contracts/socket.ts";
import type { Session } from "../../contracts/users.ts";

const began = performance.now();
const seconds = () => ((performance.now() - began) / 1000).toFixed(3).padStart(7);

export const say = (line: string) => console.log(`${seconds()} s  ${line}`);

/** A step that must hold for the story to go on. */
export function hold(holds: boolean, step: string): void {
  if (!holds) throw new Error(`This did not hold: ${step}`);
  say(step);
}

export interface Answer<T> {
  status: number;
  body: T;
}

export async function call<T>(api: string, method: string, path: string, token?: string, body?: object): Promise<Answer<T>> {
  const headers = { ...(body && { "content-type": "application/json" }), ...(token && { authorization: `Bearer ${token}` }) };
  const response = await fetch(api + path, { method, headers, body: body && JSON.stringify(body) });
  return { status: response.status, body: (await response.json()) as T };
}

export const accountOf = (name: string) => ({ email: `${name.toLowerCase()}@demo.test`, password: "open sesame, please" });

/** Signs up; the access token. */
export async function register(api: string, name: string): Promise<string> {
  return (await call<Session>(api, "POST", "/users", undefined, { name, ...accountOf(name) })).body.accessToken;
}

export interface Device {
  inbox: Inbox;
  /** The next notice it shows, each id once. */
  next(): Promise<Notification>;
  close(): void;
}

/** A device of the token's user: a stock client, which reconnects by itself. */
export async function connect(url: string, token: string): Promise<Device> {
  const socket: Socket<ServerToClient> = io(url, { auth: { token }, transports: ["websocket"], reconnectionDelayMax: 1_000 });
  const shown = new Set<string>();
  const arrived: Notification[] = [];
  let wake = () => {};
  const show = (notification: Notification) => {
    if (shown.has(notification.id)) return;
    shown.add(notification.id);
    arrived.push(notification);
    wake();
  };
  const first = new Promise<Inbox>((resolve, reject) => socket.once("inbox", resolve).once("connect_error", reject));
  socket.on("notification", show);
  socket.on("inbox", ({ notifications }) => notifications.toReversed().forEach(show));
  const inbox = await first;
  const next = async () => {
    const deadline = setTimeout(() => wake(), 15_000);
    if (arrived.length === 0) await new Promise<void>((resolve) => (wake = resolve));
    clearTimeout(deadline);
    const notification = arrived.shift();
    if (!notification) throw new Error("This did not hold: the notice arrives within fifteen seconds.");
    return notification;
  };
  return { inbox, next, close: () => socket.close() };
}
