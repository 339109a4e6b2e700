import { seeded } from "../chaos/random.ts";
import { Content, contents, type Change, type DiskModel, type Inode } from "./history.ts";

/** A disk stores a sector as a whole or not at all. Larger writes may be torn. */
const sectorSize = 512;

/**
 * What a disk may hold after a power cut: the paths with their contents (`undefined` for a folder). Synced data is there.
 * Of the rest, seed 0 keeps nothing, seed 1 everything, and any other seed a random selection of sectors, sizes and names.
 */
export function afterPowerCut(
  model: DiskModel,
  root: string,
  seed: number,
): Map<string, Buffer | undefined> {
  const random = seeded(seed);
  const share = seed < 2 ? seed : random();
  const names = model.names(share, root);
  // Mostly one value per cut: with half of the sectors lost everywhere, each log would end at its first record.
  const lost = seed < 2 ? 1 - seed : [0, 0.02, 0.5, 0.98, 1][Math.floor(random() * 5)]!;
  const files = new Map<string, Buffer | undefined>();
  for (const [path, inode] of names)
    files.set(path, inode && (seed === 1 ? contents(inode) : survivors(inode, lost, random)));
  return files;
}

/**
 * One file after the cut. `lost` is the probability that a sector has none of its changes. A file system stores truncations in
 * order, and stores nothing in the freed space before the truncation that freed it.
 */
function survivors({ synced, pending }: Inode, lost: number, random: () => number): Buffer {
  const shrinks = shrinkingOf(synced, pending);
  const kept = lost === 1 ? 0 : Math.floor(random() * (shrinks.size + 1));
  const now = new Content(synced.all());
  const stored = new Content(synced.all());
  const sectors = new Map<number, Buffer[]>();
  let sizes = [synced.size];
  let done = 0;
  let limit = Infinity; // from here on, a truncation that was not stored freed the space
  for (const change of pending) {
    const { offset, data } = change;
    now.apply(change);
    if (shrinks.has(change) && ++done > kept) limit = Math.min(limit, offset);
    else if (shrinks.has(change)) {
      stored.apply(change);
      sizes = [offset];
      for (const sector of sectors.keys())
        if (sector * sectorSize >= offset) sectors.delete(sector);
    } else {
      if (done <= kept) sizes.push(now.size);
      const first = Math.floor(offset / sectorSize);
      for (let n = first; n * sectorSize < Math.min(offset + data.length, limit); n++)
        sectors.set(n, [...(sectors.get(n) ?? []), now.part(n * sectorSize, sectorSize)]);
    }
  }
  const pick = <T>(list: T[]): T => list[Math.floor(random() * list.length)]!;
  const size = lost === 1 ? sizes[0]! : pick(sizes);
  const bytes = stored.part(0, size);
  // A new sector that was not stored holds anything.
  if (random() < 0.5)
    for (let n = stored.size; n < size; n++) bytes[n] = Math.floor(random() * 256);
  for (const [sector, list] of sectors)
    if (random() >= lost) pick(list).copy(bytes, sector * sectorSize);
  return bytes;
}

function shrinkingOf(synced: Content, pending: Change[]): Set<Change> {
  let size = synced.size;
  const shrinks = new Set<Change>();
  for (const change of pending) {
    if (change.kind === "truncate" && change.offset < size) shrinks.add(change);
    size =
      change.kind === "truncate"
        ? change.offset
        : Math.max(size, change.offset + change.data.length);
  }
  return shrinks;
}
