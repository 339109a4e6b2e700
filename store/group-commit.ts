/**
 * Batching by group commit: items that arrive during a write go into the next one. A lone item is written immediately.
 * Under load many items cost little more than one. Reads can be batched in the same way.
 *
 * `write` takes at most `limit` items. It resolves with a function that gives the result of each item or
 * throws its error; when `write` rejects, all its items fail.
 */
export function batched<Item, Result>(
  write: (items: Item[]) => Promise<(item: Item) => Result>,
  limit = Infinity,
): (item: Item) => Promise<Result> {
  let last: Promise<unknown> = Promise.resolve();
  let next: { items: Item[]; written: ReturnType<typeof write> } | undefined;

  const begin = () => {
    const items: Item[] = [];
    const written = last.then(() => {
      if (next?.items === items) next = undefined;
      return write(items);
    });
    last = written.catch(() => {});
    return { items, written };
  };

  return async (item) => {
    if (next && next.items.length >= limit) next = undefined;
    const { items, written } = (next ??= begin());
    items.push(item);
    return (await written)(item);
  };
}
