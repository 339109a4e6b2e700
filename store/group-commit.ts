/**
 * Group commit: what comes while a write is under way is written together by the next one, so that whoever comes alone waits for nobody,
 * and many cost little more than one; no more than `most` at a time. `write` resolves with what says of each item how it went, or throws.
 * Reads can come together as well.
 */
export function batched<Item, Result>(
  write: (items: Item[]) => Promise<(item: Item) => Result>,
  most = Infinity,
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
    if (next && next.items.length >= most) next = undefined;
    const { items, written } = (next ??= begin());
    items.push(item);
    return (await written)(item);
  };
}
