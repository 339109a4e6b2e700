import type { Notification } from "../../../contracts/notifications.ts";
import { useListing } from "../loading.ts";
import { money } from "../money.ts";
import { suspect } from "../outages.ts";
import { usePlace } from "../router.ts";
import { inbox, sentenceOf, souk, useInbox, useSession } from "../item-cache.ts";
import { useStore } from "../state.ts";
import { alerts, canNotify, saleIn, say, setDesktop, setSound } from "../voice.ts";
import { useState } from "preact/hooks";
import { Empty, Failed, Moment, Title } from "../ui/bits.tsx";
import { Window } from "../ui/Window.tsx";
import { Growing } from "./Market.tsx";
import { RowsToCome } from "./Trades.tsx";

export function InboxView() {
  const { query } = usePlace();
  const { user } = useSession();
  const isEarlier = query.get("show") === "earlier";
  return (
    <>
      <Title>Inbox</Title>
      <nav class="tabs" aria-label="Inbox">
        <a href="/shop/inbox" aria-current={isEarlier ? undefined : "page"}>
          New
        </a>
        <a href="/shop/inbox?show=earlier" aria-current={isEarlier ? "page" : undefined}>
          Earlier
        </a>
      </nav>
      <div class="inbox">
        {/* Before the list, whose end is far. */}
        <Alerts />
        <div>{isEarlier ? <Earlier userId={user!.id} /> : <New />}</div>
      </div>
    </>
  );
}

/** The inbox is as it was; what is away is said elsewhere. */
function failed(error: unknown): void {
  suspect();
  say(sentenceOf(error));
}

function New() {
  const { notifications, unread, nextCursor, connection } = useInbox();
  const [isLoading, setLoading] = useState(false);
  const more = async () => {
    setLoading(true);
    await inbox.more().catch(failed);
    setLoading(false);
  };
  const readAll = () => inbox.read("all").then(() => say("All read."), failed);
  if (notifications.length === 0 && connection === "connecting") return <RowsToCome />;
  if (notifications.length === 0 && unread === 0) {
    return (
      <Empty title="Nothing new.">
        <p>Keep this page open: when something of yours is sold, it says so at once.</p>
      </Empty>
    );
  }
  return (
    <>
      <p class="inbox-bar">
        <span>{unread === 1 ? "1 unread" : `${unread.toLocaleString()} unread`}</span>
        <button type="button" class="button is-quiet is-small" onClick={readAll}>
          Mark all as read
        </button>
      </p>
      <Window rows={notifications} keyOf={({ id }) => id} label="New notices">
        {(notice) => <Notice notice={notice} isNew />}
      </Window>
      {nextCursor && <Growing isLoading={isLoading} more={more} />}
    </>
  );
}

function Earlier({ userId }: { userId: string }) {
  const { rows, nextCursor, isLoading, error, more } = useListing<Notification>(
    `earlier of ${userId}`,
    async (cursor) => {
      const page = await souk.notifications({
        unread: false,
        limit: 50,
        ...(cursor && { cursor }),
      });
      return { rows: page.notifications, nextCursor: page.nextCursor };
    },
  );
  if (rows.length === 0 && isLoading) return <RowsToCome />;
  if (rows.length === 0 && error) return <Failed error={error} again={more} />;
  if (rows.length === 0) return <Empty title="Nothing was read yet." />;
  return (
    <>
      <Window rows={rows} keyOf={({ id }) => id} label="Earlier notices">
        {(notice) => <Notice notice={notice} />}
      </Window>
      {error ? (
        <Failed error={error} again={more} />
      ) : (
        nextCursor && <Growing isLoading={isLoading} more={more} />
      )}
    </>
  );
}

function Notice({ notice, isNew = false }: { notice: Notification; isNew?: boolean }) {
  const sale = saleIn(notice);
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
      {sale && <span class="row-price">{money(sale.price, sale.currency)}</span>}
      <span class="row-facts">
        {sale && "Sold, "}
        <Moment at={notice.createdAt} />
      </span>
      {isNew && (
        <button
          type="button"
          class="button is-quiet is-small"
          aria-label={`Mark as read: ${title}`}
          onClick={() => void inbox.read([notice.id]).catch(failed)}
        >
          Read
        </button>
      )}
    </>
  );
}

/** What the visitor may agree to. */
function Alerts() {
  const { sound, desktop } = useStore(alerts);
  return (
    <fieldset class="alerts">
      <legend>When something is sold</legend>
      <label>
        <input
          type="checkbox"
          checked={sound}
          onChange={({ currentTarget }) => setSound(currentTarget.checked)}
        />{" "}
        Ring softly
      </label>
      {canNotify && (
        <label>
          <input
            type="checkbox"
            checked={desktop}
            onChange={({ currentTarget }) => void setDesktop(currentTarget.checked)}
          />{" "}
          Tell me outside of this page, too
        </label>
      )}
    </fieldset>
  );
}
