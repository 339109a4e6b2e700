/**
 * Opens with the first user, and closes after the last one has released it: in the next task, because React's strict mode releases each
 * user and adds it again at once, and a view may replace another.
 */
export function shared(open: () => () => void): () => () => void {
  let users = 0;
  let close: (() => void) | undefined;
  return () => {
    users++;
    close ??= open();
    let isReleased = false;
    return () => {
      if (isReleased) return;
      isReleased = true;
      users--;
      setTimeout(() => {
        if (users > 0) return;
        close?.();
        close = undefined;
      });
    };
  };
}
