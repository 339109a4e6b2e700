import { createSouk, SoukError, type Notification, type Souk } from "../../client/index.ts";

const began = performance.now();
const seconds = () => ((performance.now() - began) / 1000).toFixed(3).padStart(7);

export const say = (line: string) => console.log(`${seconds()} s  ${line}`);

/** A step that must hold for the story to go on. */
export function hold(holds: boolean, step: string): void {
  if (!holds) throw new Error(`This did not hold: ${step}`);
  say(step);
}

/** Where the market of the story is. */
export interface Place {
  url: string;
  socketUrl: string;
}

const accountOf = (name: string) => ({
  email: `${name.toLowerCase()}@demo.test`,
  password: "open sesame, please",
});

export async function signUp(place: Place, name: string): Promise<Souk> {
  const souk = createSouk(place);
  await souk.register({ name, ...accountOf(name) });
  return souk;
}

export async function signIn(place: Place, name: string): Promise<Souk> {
  const souk = createSouk(place);
  await souk.signIn(accountOf(name));
  return souk;
}

/** What a call is refused with. */
export const refusal = (call: Promise<unknown>) =>
  call.then(
    () => {
      throw new Error("This did not hold: it is refused.");
    },
    (error: unknown) => {
      if (!(error instanceof SoukError)) throw error;
      return error;
    },
  );

export interface Device {
  unread: number;
  /** The next notice it shows. */
  next(): Promise<Notification>;
  close(): void;
}

/** A device of whoever is signed in there, once its inbox is live. */
export async function connect(souk: Souk): Promise<Device> {
  const inbox = souk.inbox();
  const shown: Notification[] = [];
  let wake = () => {};
  inbox.onNotification((notification) => {
    shown.push(notification);
    wake();
  });
  await new Promise<void>((resolve) =>
    inbox.subscribe(({ connection }) => connection === "live" && resolve()),
  );
  const next = async () => {
    const deadline = setTimeout(() => wake(), 20_000);
    if (shown.length === 0) await new Promise<void>((resolve) => (wake = resolve));
    clearTimeout(deadline);
    const notification = shown.shift();
    if (!notification)
      throw new Error("This did not hold: the notice arrives within twenty seconds.");
    return notification;
  };
  return { unread: inbox.get().unread, next, close: inbox.close };
}
