import { useObservable } from "../state.ts";
import { t } from "../texts.ts";
import { dismiss, setPaused, toasts } from "../toasts.ts";
import { Icon } from "../ui/Icon.tsx";

export function Toasts() {
  const shown = useObservable(toasts);
  return (
    <section
      class="toasts"
      aria-label={t.frame.latestNotices}
      onMouseEnter={() => setPaused(true)}
      onMouseLeave={() => setPaused(false)}
      onFocusIn={() => setPaused(true)}
      onFocusOut={() => setPaused(false)}
    >
      <div role="status">
        <ul>
          {shown.map(({ id, title, detail }) => (
            <li key={id} class="toast">
              <Icon name="bell" />
              <a href="/shop/inbox">
                <bdi class="toast-title">{title}</bdi> {detail}
              </a>
              <button type="button" aria-label={t.frame.close} onClick={() => dismiss(id)}>
                <Icon name="close" />
              </button>
            </li>
          ))}
        </ul>
      </div>
    </section>
  );
}
