import { globals } from "../globals.ts";

/** Whether the user may look at the page now. A program without a page counts as focused. */
export type Attention = "focused" | "visible" | "hidden";

export function attention(): Attention {
  const { document } = globals;
  if (!document) return "focused";
  if (document.visibilityState === "hidden") return "hidden";
  return document.hasFocus() ? "focused" : "visible";
}

/** Calls the listener when the network or the user is back. */
export function onReturn(listener: () => void): void {
  for (const event of ["online", "focus", "pageshow"])
    globals.addEventListener?.(event, () => listener());
  globals.document?.addEventListener("visibilitychange", () => {
    if (attention() !== "hidden") listener();
  });
}
