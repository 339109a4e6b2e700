import { outages, type Part } from "../outages.ts";
import { useObservable } from "../state.ts";
import { t } from "../texts.ts";

function textOf(part: Part, unavailable: readonly Part[]): string {
  if (part === "server" && !navigator.onLine) return t.outage.offline;
  return part === "users" && unavailable.includes("market") ? t.outage.usersToo : t.outage[part];
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
