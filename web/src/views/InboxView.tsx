import { useCallback, useState } from "preact/hooks";
import type { Notification } from "../../../client/index.ts";
import { announce } from "../announcer.ts";
import { errorText } from "../error-messages.ts";
import { formatPrice } from "../prices.ts";
import { reportFailure, useRecovery } from "../outages.ts";
import { useAddress } from "../router.ts";
import { inbox, souk, useInbox, useSession } from "../souk.ts";
import { t } from "../texts.ts";
import { Empty } from "../ui/Empty.tsx";
import { InfiniteScroll } from "../ui/InfiniteScroll.tsx";
import { LoadError } from "../ui/LoadError.tsx";
import { NotLive } from "../ui/NotLive.tsx";
import { RowsSkeleton } from "../ui/Skeletons.tsx";
import { Tabs } from "../ui/Tabs.tsx";
import { Time } from "../ui/Time.tsx";
import { Title } from "../ui/Title.tsx";
import { VerificationHint } from "../ui/VerificationHint.tsx";
import { VirtualList } from "../ui/VirtualList.tsx";
import { useListing } from "../use-listing.ts";

export function InboxView() {
  const { query } = useAddress();
  const { user } = useSession();
  const isEarlier = query.get("show") === "earlier";
  return (
    <>
      <Title>{t.inbox.heading}</Title>
      <Tabs
        label={t.inbox.heading}
        tabs={[
          { href: "/shop/inbox", name: t.inbox.new, isCurrent: !isEarlier },
          { href: "/shop/inbox?show=earlier", name: t.inbox.earlier, isCurrent: isEarlier },
        ]}
      />
      <div class="inbox">
        {/* Before the list, whose end may be thousands of rows below. */}
        <p class="inbox-settings">
          <a href="/shop/settings">{t.settings.link}</a>
        </p>
        <div>
          <VerificationHint />
          {isEarlier ? <ReadNotices userId={user!.id} /> : <UnreadNotices />}
        </div>
      </div>
    </>
  );
}

function announceFailure(error: unknown): void {
  reportFailure();
  announce(errorText(error));
}

const markAllRead = () => inbox.read("all").then(() => announce(t.inbox.allRead), announceFailure);

function UnreadNotices() {
  const { status, notifications, unread, nextCursor, connection, error } = useInbox();
  const older = useOlderNotices();
  if (status !== "loaded" && error)
    return <LoadError error={error} retry={() => void inbox.refresh()} />;
  if (status !== "loaded") return <RowsSkeleton />;
  if (notifications.length === 0 && unread === 0)
    return (
      <>
        <NotLive />
        <Empty title={t.inbox.none}>{connection === "live" && <p>{t.inbox.noneHint}</p>}</Empty>
      </>
    );
  return (
    <>
      <NotLive />
      <p class="inbox-bar">
        <span>{t.inbox.unread(unread)}</span>
        <button type="button" class="button is-secondary is-small" onClick={markAllRead}>
          {t.inbox.markAllRead}
        </button>
      </p>
      <VirtualList rows={notifications} keyOf={({ id }) => id} label={t.inbox.newNotices}>
        {(notice) => <Notice notice={notice} isUnread />}
      </VirtualList>
      {older.error ? (
        <LoadError error={older.error} retry={older.more} />
      ) : (
        nextCursor && <InfiniteScroll isLoading={older.isLoading} more={older.more} />
      )}
    </>
  );
}

function useOlderNotices() {
  const [state, setState] = useState<{ isLoading: boolean; error?: unknown }>({ isLoading: false });
  const more = useCallback(() => {
    setState({ isLoading: true });
    inbox.more().then(
      () => setState({ isLoading: false }),
      (error: unknown) => {
        reportFailure();
        setState({ isLoading: false, error });
      },
    );
  }, []);
  useRecovery(state.error, more);
  return { ...state, more };
}

function ReadNotices({ userId }: { userId: string }) {
  const { rows, nextCursor, isLoading, error, more } = useListing<Notification>(
    `read notices of ${userId}`,
    async (cursor) => {
      const page = await souk.notifications({
        unread: false,
        limit: 50,
        ...(cursor && { cursor }),
      });
      return { rows: page.notifications, nextCursor: page.nextCursor };
    },
  );
  if (rows.length === 0 && isLoading) return <RowsSkeleton />;
  if (rows.length === 0 && error) return <LoadError error={error} retry={more} />;
  if (rows.length === 0) return <Empty title={t.inbox.noneEarlier} />;
  return (
    <>
      <VirtualList rows={rows} keyOf={({ id }) => id} label={t.inbox.earlierNotices}>
        {(notice) => <Notice notice={notice} />}
      </VirtualList>
      {error ? (
        <LoadError error={error} retry={more} />
      ) : (
        nextCursor && <InfiniteScroll isLoading={isLoading} more={more} />
      )}
    </>
  );
}

function Notice({ notice, isUnread = false }: { notice: Notification; isUnread?: boolean }) {
  const sale = notice.type === "sale" ? notice.data : undefined;
  const title = sale?.title ?? notice.text;
  return (
    <>
      {sale ? (
        <a href={`/shop/items/${encodeURIComponent(sale.itemId)}`} dir="auto">
          {title}
        </a>
      ) : (
        <span class="row-title" dir="auto">
          {title}
        </span>
      )}
      {sale && <span class="row-price">{formatPrice(sale.price, sale.currency)}</span>}
      <span class="row-details">
        {sale ? t.inbox.soldAt(<Time at={notice.createdAt} />) : <Time at={notice.createdAt} />}
      </span>
      {isUnread && (
        <button
          type="button"
          class="button is-secondary is-small"
          aria-label={t.inbox.markRead(title)}
          onClick={() => void inbox.read([notice.id]).catch(announceFailure)}
        >
          {t.inbox.read}
        </button>
      )}
    </>
  );
}
