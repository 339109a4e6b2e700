import { state } from "./state.ts";

/** The text of the page's live region, which screen readers read out. */
export const announcement = state("");

/** A live region reads only changes: a no-break space makes a repeated text a new one. */
export const announce = (text: string) =>
  announcement.set(announcement.get() === text ? `${text}\u00A0` : text);
