import { errorText } from "../error-messages.ts";
import { outages } from "../outages.ts";
import { useObservable } from "../state.ts";
import { t } from "../texts.ts";
import { Star } from "./Star.tsx";

/** Says that loading failed. After an outage, the view that shows it loads again automatically. */
export function LoadError({ error, retry }: { error: unknown; retry: () => void }) {
  const { unavailable } = useObservable(outages);
  return (
    <div class="empty-state" role="alert">
      <Star />
      <p class="empty-state-title">
        {unavailable.includes("server") ? t.loading.noAnswer : errorText(error)}
      </p>
      {unavailable.length > 0 && <p>{t.loading.retriesAutomatically}</p>}
      <button type="button" class="button is-secondary" onClick={retry}>
        {t.loading.retry}
      </button>
    </div>
  );
}
