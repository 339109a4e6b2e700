/** The offer that a user has begun, kept on this device until it is offered, discarded, or the user signs out. */
import type { KeptText } from "./repeatable.ts";
import { get, remove, set } from "./storage.ts";

/** The texts of the form's fields by their names, as they were typed. */
export type Draft = Record<string, string>;

const nameFor = (userId: string) => `souk.draft.${userId}`;

const pendingNameFor = (userId: string) => `souk.pendingOffer.${userId}`;

/** Empty when there is none. What is stored may be from another version of the page, so only texts are taken. */
export function draftFor(userId: string): Draft {
  try {
    const stored: unknown = JSON.parse(get(nameFor(userId)) ?? "{}");
    const entries = Object.entries(stored as object);
    return Object.fromEntries(entries.filter(([, value]) => typeof value === "string"));
  } catch {
    return {};
  }
}

export function keepDraft(userId: string, draft: Draft): void {
  if (Object.values(draft).some((value) => value.trim()))
    set(nameFor(userId), JSON.stringify(draft));
  else discardDraft(userId);
}

/** Where an offer is kept until its answer comes. It is discarded with the draft. */
export const pendingOffer = (userId: string): KeptText => ({
  get: () => get(pendingNameFor(userId)) ?? "",
  set: (text) => set(pendingNameFor(userId), text),
});

export function discardDraft(userId: string): void {
  remove(nameFor(userId));
  remove(pendingNameFor(userId));
}
