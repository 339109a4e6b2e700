import { open, readFile, rename } from "node:fs/promises";

/**
 * Checks a NeDB file before NeDB loads it: NeDB would drop up to a tenth of the lines without a message. An
 * unfinished last line is removed; its write was never acknowledged. Returns a warning. Throws one sentence
 * when any other line is broken.
 */
export async function repairFile(file: string): Promise<string | undefined> {
  const bytes = await contents(file);
  if (!bytes) return undefined;
  let from = 0;
  for (let number = 1; from < bytes.length; number++) {
    const end = bytes.indexOf(lineFeed, from);
    const isLast = end === -1;
    if (!isRow(bytes.subarray(from, isLast ? undefined : end))) {
      if (!isLast)
        throw new Error(
          `${file} is broken in line ${number}: restore it from a backup, or repair or remove that line.`,
        );
      await truncate(file, from);
      return `Removed an unfinished write from the end of ${file}.`;
    }
    from = isLast ? bytes.length : end + 1;
  }
  return undefined;
}

const lineFeed = 10;

/** A compaction that was interrupted after it removed the old file left the new one, which NeDB would load. */
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

/** Whether a line is a document or the record of an index. NeDB skips empty lines. */
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

/** NeDB splits its file at any of Unicode's line ends, and JSON leaves these three unescaped. */
export const lineEndings = {
  afterSerialization: (line: string) =>
    line.replace(
      /[\u0085\u2028\u2029]/g,
      (end) => `\\u${end.charCodeAt(0).toString(16).padStart(4, "0")}`,
    ),
  beforeDeserialization: (line: string) => line,
};
