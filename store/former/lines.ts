/** Reads the files of version 0.1.0: one document per line, the last line of an `_id` counts. */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import type { Stored } from "../store.ts";

/** What a line says: a document, the id of a removed one, or nothing of interest. */
export type Line = { number: number } & ({ doc: Stored } | { removed: string });

const chunkSize = 1 << 20;
/** No document is longer. It bounds the memory that a file without line ends takes. */
const maxLine = 64 << 20;
const lineFeed = 10;

/** The reason why a line cannot be read, as a clause: "it is not JSON". */
export class BrokenLine extends Error {
  readonly line: number;
  constructor(line: number, reason: string) {
    super(reason);
    this.line = line;
  }
}

/** Every line in order, read piece by piece. Throws a BrokenLine, or an error when the file changes while it is read. */
export function* linesOf(file: string): Generator<Line> {
  const handle = openSync(file, "r");
  try {
    const before = stateOf(handle);
    let number = 0;
    for (const bytes of rawLines(handle)) {
      number++;
      const line = bytes.length > 0 ? parsed(bytes, number) : undefined;
      if (line) yield line;
    }
    if (stateOf(handle) !== before)
      throw new Error("it changed while it was read: stop the process that writes it");
  } finally {
    closeSync(handle);
  }
}

function stateOf(handle: number): string {
  const { size, mtimeMs } = fstatSync(handle);
  return `${size} ${mtimeMs}`;
}

function* rawLines(handle: number): Generator<Buffer> {
  const chunk = Buffer.alloc(chunkSize);
  let parts: Buffer[] = [];
  let length = 0;
  for (let number = 1, size; (size = readSync(handle, chunk)) > 0;) {
    let from = 0;
    for (let end; (end = chunk.subarray(0, size).indexOf(lineFeed, from)) >= 0; from = end + 1) {
      yield Buffer.concat([...parts, chunk.subarray(from, end)]);
      [parts, length] = [[], 0];
      number++;
    }
    parts.push(Buffer.from(chunk.subarray(from, size)));
    length += size - from;
    if (length > maxLine) throw new BrokenLine(number, "is longer than any document");
  }
  if (length > 0) yield Buffer.concat(parts);
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

function parsed(bytes: Buffer, number: number): Line | undefined {
  const row = rowOf(bytes, number);
  if (row.$$indexCreated !== undefined || row.$$indexRemoved !== undefined) return undefined;
  const { _id } = row;
  if (typeof _id !== "string" || !_id) throw new BrokenLine(number, "has no _id");
  if (row.$$deleted === true) return { number, removed: _id };
  return { number, doc: row as Stored };
}

function rowOf(bytes: Buffer, number: number): Record<string, unknown> {
  let text;
  try {
    text = utf8.decode(bytes);
  } catch {
    throw new BrokenLine(number, "is not UTF-8");
  }
  try {
    const row: unknown = JSON.parse(text);
    if (typeof row === "object" && row !== null && !Array.isArray(row))
      return row as Record<string, unknown>;
  } catch {
    // It has the same consequence as any other text that is no object.
  }
  throw new BrokenLine(number, "is not a document in JSON");
}
