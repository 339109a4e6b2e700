import { createSouk, SoukError, type Notification, type Souk } from "../../client/index.ts";

const began = performance.now();
const seconds = () => ((performance.now() - began) / 1000).toFixed(3).padStart(7);

export const say = (line: string) => console.log(`${seconds()} s  ${line}`);

/** Prints the step, or throws when the expectation did not hold. */
export function check(holds: boolean, step: string): void {
  if (!holds) throw new Error(`The demo failed at this step: ${step}`);
  say(step);
}

/** The addresses of the demo's market. */
export interface Market {
  url: string;
  socketUrl: string;
}

const accountOf = (name: string) => ({
  email: `${name.toLowerCase()}@demo.test`,
  password: "open sesame, please",
});

export async function signUp(market: Market, name: string): Promise<Souk> {
  const souk = createSouk(market);
  await souk.register({ name, ...accountOf(name) });
  return souk;
}

export async function signIn(market: Market, name: string): Promise<Souk> {
  const souk = createSouk(market);
  await souk.signIn(accountOf(name));
  return souk;
}

/** The error of a call that must fail. */
export const refusal = (call: Promise<unknown>) =>
  call.then(
    () => {
      throw new Error("The demo failed at this step: the call fails.");
    },
    (error: unknown) => {
      if (!(error instanceof SoukError)) throw error;
      return error;
    },
  );

export interface Device {
  unread: number;
  /** Waits for the next notice, for at most twenty seconds. */
  next(): Promise<Notification>;
  close(): void;
}

/** Connects a device of the signed-in user. Resolves when its inbox is live. */
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
      throw new Error("The demo failed at this step: a notice arrives within twenty seconds.");
    return notification;
  };
  return { unread: inbox.get().unread ?? 0, next, close: inbox.close };
}
