/** A gate that callers wait at until it opens. */
export function gate() {
  const { promise, resolve } = Promise.withResolvers<null>();
  let waiting = 0;
  return { opened: () => (waiting++, promise), open: () => resolve(null), waiting: () => waiting };
}
