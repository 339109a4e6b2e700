import { open, readFile, rename } from "node:fs/promises";

/**
 * Looks a NeDB file over before NeDB does, which would drop up to a tenth of the lines in silence and refuse short files over one. A last
 * line that was cut off by a crash is taken away: nobody was told that it was written. Returns what to warn of; throws, in one sentence,
 * when anything else in it is broken.
 */
export async function repaired(file: string): Promise<string | undefined> {
  const bytes = await contents(file);
  if (!bytes) return undefined;
  let from = 0;
  for (let number = 1; from < bytes.length; number++) {
    const end = bytes.indexOf(lineFeed, from);
    const isLast = end === -1;
    if (!isRow(bytes.subarray(from, isLast ? undefined : end))) {
      if (!isLast)
        throw new Error(
          `${file} is broken in line ${number}: restore it from a backup, or mend or remove that line.`,
        );
      await truncate(file, from);
      return `${file} ended in an unfinished write, which was taken away`;
    }
    from = isLast ? bytes.length : end + 1;
  }
  return undefined;
}

const lineFeed = 10;

/** A compaction that died after taking the old file away left the new one beside it: NeDB would take that one, so it is looked over too. */
async function contents(file: string): Promise<Buffer | undefined> {
  try {
    return await readFile(file).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT") throw error;
      await rename(`${file}~`, file);
      return readFile(file);
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new Error(`${file} cannot be read: ${(error as Error).message}.`, { cause: error });
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** A document or a note on an index, as NeDB writes them; empty lines it skips. */
function isRow(line: Buffer): boolean {
  if (line.length === 0) return true;
  try {
    const row = JSON.parse(utf8.decode(line)) as Record<string, unknown> | null;
    return Boolean(row?._id ?? row?.$$indexCreated ?? row?.$$indexRemoved);
  } catch {
    return false;
  }
}

async function truncate(file: string, length: number): Promise<void> {
  const handle = await open(file, "r+");
  try {
    await handle.truncate(length);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
