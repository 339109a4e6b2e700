import { outages } from "../outages.ts";
import { useAddress } from "../router.ts";
import { useInbox } from "../souk.ts";
import { useObservable } from "../state.ts";
import { t } from "../texts.ts";
import { Icon } from "../ui/Icon.tsx";

/** A bell with the number of unread notices, or with a question mark when that cannot be found out. */
export function InboxLink() {
  const { unread, connection } = useInbox();
  const { path } = useAddress();
  const { unavailable } = useObservable(outages);
  // During an outage, the outage notice says more.
  const isNotLive = connection === "polling" || (connection === "paused" && !unavailable.length);
  const name = unread === null ? t.frame.inboxUnknown : t.frame.inbox(unread);
  return (
    <a
      class="inbox-link"
      data-connection={connection}
      href="/shop/inbox"
      aria-label={isNotLive ? t.frame.inboxNotLive(name) : name}
      title={isNotLive ? t.frame.notLive : undefined}
      aria-current={path === "/shop/inbox" ? "page" : undefined}
    >
      <Icon name="bell" />
      {unread === null && connection === "paused" && <span class="badge is-unknown">?</span>}
      {unread !== null && unread > 0 && (
        <span class="badge" key={unread}>
          {unread > 99 ? "99+" : unread}
        </span>
      )}
    </a>
  );
}
