/** An embedded Souk of another checkout, of the time when its files were NeDB's: lines of JSON, to which every write appends. */
import { writeFileSync } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import type { ItemDocument } from "../../domain/item.ts";
import type { SoldFiles } from "./embedded.ts";

const itemsFile = (folder: string) => join(folder, "items.db");
const noticesFile = (folder: string) => join(folder, "notifications.db");
const deliveredText = '"state":"delivered"';

export const fillLines = (folder: string, documents: ItemDocument[]) =>
  writeFileSync(itemsFile(folder), documents.map((item) => `${JSON.stringify(item)}\n`).join(""));

/** What was appended to the files since the watch began. */
export async function watchLines(folder: string): Promise<SoldFiles> {
  const [items, notices] = [await Tail.of(itemsFile(folder)), await Tail.of(noticesFile(folder))];
  return {
    async isDelivered(count) {
      return (await items.read()).split(deliveredText).length > count;
    },
    async counts() {
      const isDelivered = (text: string) =>
        text.includes(deliveredText) && (JSON.parse(text) as ItemDocument).isSold;
      return {
        delivered: idsIn(await items.read(), isDelivered),
        stored: idsIn(await notices.read(), () => true),
      };
    },
    async close() {
      await items.close();
      await notices.close();
    },
  };
}

/** The number of documents with a complete line that is counted. */
function idsIn(text: string, isCounted: (line: string) => boolean): number {
  const lines = text.split("\n").filter((line) => line.endsWith("}") && isCounted(line));
  return new Set(lines.map((line) => (JSON.parse(line) as { _id: string })._id)).size;
}

/** The text appended to a file since it was opened. Each read is incremental, because its cost is part of the measurement. */
class Tail {
  readonly #file: FileHandle;
  #position: number;
  #text = "";

  private constructor(file: FileHandle, position: number) {
    [this.#file, this.#position] = [file, position];
  }

  static async of(path: string): Promise<Tail> {
    const file = await open(path, "a+");
    return new Tail(file, (await file.stat()).size);
  }

  /** All text so far. */
  async read(): Promise<string> {
    const { size } = await this.#file.stat();
    const { buffer } = await this.#file.read({
      buffer: Buffer.alloc(size - this.#position),
      position: this.#position,
    });
    this.#position = size;
    this.#text += buffer.toString("latin1");
    return this.#text;
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}
