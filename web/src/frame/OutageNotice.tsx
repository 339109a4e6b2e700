import { outages, type Part } from "../outages.ts";
import { useObservable } from "../state.ts";

const texts: Record<Part, string> = {
  server:
    "The market does not respond. You see data that was loaded earlier. This page reconnects automatically.",
  market: "The market is not available at the moment: you cannot browse or buy.",
  users:
    "Signing in is not available at the moment. You can still browse, and buy if you are signed in.",
  notifications: "Live updates are paused. You will get all notices when they resume.",
};

function textOf(part: Part, unavailable: readonly Part[]): string {
  if (part === "server" && !navigator.onLine)
    return "You are offline. You see data that was loaded earlier. This page reconnects automatically.";
  return part === "users" && unavailable.includes("market")
    ? "Signing in is not available either."
    : texts[part];
}

/** Lists the unavailable parts in a corner of the screen, where it moves nothing when it appears. */
export function OutageNotice() {
  const { unavailable } = useObservable(outages);
  const isMinor = unavailable.every((part) => part === "notifications");
  return (
    <div role="status">
      {unavailable.length > 0 && (
        <div class={isMinor ? "outage is-minor" : "outage"}>
          {unavailable.map((part) => (
            <p key={part}>{textOf(part, unavailable)}</p>
          ))}
        </div>
      )}
    </div>
  );
}
