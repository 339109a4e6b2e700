import { useEffect, useRef } from "preact/hooks";
import { t } from "../texts.ts";

interface InfiniteScrollProps {
  isLoading: boolean;
  more: () => void;
}

/** Stands at the end of a list. Loads the next page when it scrolls into view; keyboard users can press its button. */
export function InfiniteScroll({ isLoading, more }: InfiniteScrollProps) {
  const end = useRef<HTMLParagraphElement>(null);
  useEffect(() => {
    if (isLoading) return;
    const observer = new IntersectionObserver(
      (entries) => entries.some(({ isIntersecting }) => isIntersecting) && more(),
      { rootMargin: "400px" },
    );
    observer.observe(end.current!);
    return () => observer.disconnect();
  }, [isLoading, more]);
  return (
    <p class="load-more" ref={end}>
      <button
        type="button"
        class="button is-secondary"
        aria-disabled={isLoading}
        onClick={() => !isLoading && more()}
      >
        {isLoading ? t.loading.loadingMore : t.loading.more}
      </button>
    </p>
  );
}
