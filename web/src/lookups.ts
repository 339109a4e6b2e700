/** Data that does not change while the page is open. Each is loaded once, and again only after a failure. */
import type { Profile } from "../../contracts/users.ts";
import { souk } from "./souk.ts";

const profiles = new Map<string, Promise<Profile>>();

export function profileOf(id: string): Promise<Profile> {
  if (!profiles.has(id)) {
    const profile = souk.profile(id);
    profile.catch(() => profiles.delete(id));
    profiles.set(id, profile);
  }
  return profiles.get(id)!;
}

let currency: Promise<string> | undefined;

/** The currency of new offers. */
export function marketCurrency(): Promise<string> {
  currency ??= souk.config().then((config) => config.currency);
  currency.catch(() => (currency = undefined));
  return currency;
}
