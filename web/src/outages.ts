/** Which parts of the market are away. Asked only while something seems to be wrong, ever more rarely, until all is well again. */
import { souk, inbox } from "./item-cache.ts";
import { state } from "./state.ts";

export type Part = "shop" | "market" | "users" | "notifications";

export interface Parts {
  away: readonly Part[];
  /** Grows whenever all is well again: what failed is worth another try. */
  healed: number;
}

export const parts = state<Parts>({ away: [], healed: 0 });

const soonest = 500;
const latest = 5_000;
let delay = soonest;
let timer: ReturnType<typeof setTimeout> | undefined;
let calm: ReturnType<typeof setTimeout> | undefined;

/** Something failed: finds out what, and watches until it is back. */
export function suspect(): void {
  clearTimeout(calm);
  timer ??= setTimeout(look, delay * (0.8 + Math.random() * 0.4));
}

async function look(): Promise<void> {
  const away = await partsAway();
  timer = undefined;
  delay = Math.min(delay * 1.6, latest);
  const { healed } = parts.get();
  parts.set({ away, healed: away.length > 0 ? healed : healed + 1 });
  if (away.length > 0) return suspect();
  // Quick again only after a while without trouble: what fails although all seems well must not be asked for without a pause.
  calm = setTimeout(() => (delay = soonest), 20_000);
}

async function partsAway(): Promise<Part[]> {
  try {
    const { services } = await souk.health();
    return (["market", "users", "notifications"] as const).filter(
      (part) => services[part] !== "up",
    );
  } catch {
    return ["shop"];
  }
}

/** Not in a while but now: the network is back, or the visitor is. */
function hurry(): void {
  if (timer === undefined) return;
  clearTimeout(timer);
  delay = soonest;
  timer = setTimeout(look, 50);
}

addEventListener("online", hurry);
addEventListener("offline", suspect);
document.addEventListener("visibilitychange", () => document.hidden || hurry());
inbox.subscribe(({ connection }) => connection === "paused" && suspect());
