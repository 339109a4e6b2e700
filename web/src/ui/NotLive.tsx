import { inbox, useInbox } from "../souk.ts";

const time = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });

const texts = {
  polling: "This page is not live: it cannot connect, and looks for new notices regularly.",
  paused: "This page is not live at the moment, and cannot look for new notices.",
};

/** Says that notices do not appear immediately, and from when those on the page are. */
export function NotLive() {
  const { connection, readAt } = useInbox();
  const isShown = readAt !== null && (connection === "polling" || connection === "paused");
  return (
    <div class={isShown ? "not-live" : undefined}>
      <p>
        {/* Without the time, which would be read out again and again. */}
        <span role="status">{isShown && texts[connection]}</span>
        {isShown && (
          <>
            {" "}
            Last update: <time dateTime={readAt.toISOString()}>{time.format(readAt)}</time>.
          </>
        )}
      </p>
      {isShown && (
        <button
          type="button"
          class="button is-secondary is-small"
          onClick={() => void inbox.refresh()}
        >
          Look now
        </button>
      )}
    </div>
  );
}
