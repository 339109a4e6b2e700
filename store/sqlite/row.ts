/** Rows of a table of documents, and what makes one unfit. */
import { crc32 } from "node:zlib";
import type { Stored } from "../store.ts";
import type { Value } from "./layout.ts";

/** A row whose document does not have its checksum, or whose columns do not agree with it. */
export class CorruptRow extends Error {
  readonly code = "CORRUPT";
}

/** A row that is going to be changed. */
export interface Row {
  rowid: number;
  /** The document as stored, and parsed. */
  text: string;
  doc: Stored;
  /** The values of the layout's columns. */
  columns: Value[];
}

/** What is read of a row that is only returned. */
export type Selected = [doc: string, crc: number, _id: string];

/** The text of a document that is the one that was written under this `_id`. */
export function checked([text, crc, _id]: Selected): string {
  if (crc32(text) !== Number(crc)) throw new CorruptRow("a document does not have its checksum");
  // Stored documents usually begin with their id: then they need not be parsed.
  const isNamed = text.startsWith(`{"_id":${JSON.stringify(_id)}`);
  if (!isNamed && (JSON.parse(text) as Stored)._id !== _id)
    throw new CorruptRow("an index does not agree with its table");
  return text;
}
