import { inbox, useInbox } from "../souk.ts";
import { locale, t } from "../texts.ts";

const timeText = (at: Date) =>
  at.toLocaleTimeString(locale, { hour: "2-digit", minute: "2-digit" });

/** Says that notices do not appear immediately, and from when those on the page are. */
export function NotLive() {
  const { connection, readAt } = useInbox();
  const isShown = readAt !== null && (connection === "polling" || connection === "paused");
  return (
    <div class={isShown ? "not-live" : undefined}>
      <p>
        {/* Without the time, which would be read out again and again. */}
        <span role="status">{isShown && t.inbox[connection]}</span>
        {isShown && (
          <>
            {" "}
            {t.inbox.lastUpdate(<time dateTime={readAt.toISOString()}>{timeText(readAt)}</time>)}
          </>
        )}
      </p>
      {isShown && (
        <button
          type="button"
          class="button is-secondary is-small"
          onClick={() => void inbox.refresh()}
        >
          {t.inbox.refresh}
        </button>
      )}
    </div>
  );
}
