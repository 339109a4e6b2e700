import { outages } from "../outages.ts";
import { useAddress } from "../router.ts";
import { useInbox } from "../souk.ts";
import { useObservable } from "../state.ts";
import { Icon } from "../ui/Icon.tsx";

/** A bell with the number of unread notices. */
export function InboxLink() {
  const { unread, connection } = useInbox();
  const { path } = useAddress();
  const { unavailable } = useObservable(outages);
  // During an outage, the outage notice says more.
  const isPaused = connection === "paused" && unavailable.length === 0;
  return (
    <a
      class="inbox-link"
      data-connection={connection}
      href="/shop/inbox"
      aria-label={`Inbox, ${unread} unread${isPaused ? ", live updates paused" : ""}`}
      title={isPaused ? "Live updates paused" : undefined}
      aria-current={path === "/shop/inbox" ? "page" : undefined}
    >
      <Icon name="bell" />
      {unread > 0 && (
        <span class="badge" key={unread}>
          {unread > 99 ? "99+" : unread}
        </span>
      )}
    </a>
  );
}
