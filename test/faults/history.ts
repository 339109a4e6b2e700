/** The log of faults.c, and a model of the disk under it. */
import { readFileSync } from "node:fs";
import { dirname } from "node:path";

const kinds = [
  "create",
  "write",
  "truncate",
  "sync",
  "sync names",
  "unlink",
  "rename",
  "print",
  "mkdir",
  "link",
] as const;

/** One record of the log. `inode` names the file; `data` is what was written or printed, a path, or two paths. */
export interface Change {
  kind: (typeof kinds)[number];
  inode: bigint;
  /** Of a write, the place in the file; of a truncation, the new size. */
  offset: number;
  data: Buffer;
}

const headerSize = 24;

export function encode({ kind, inode, offset, data }: Change): Buffer {
  const header = Buffer.alloc(headerSize);
  header.writeUInt32LE(data.length, 0);
  header.writeUInt32LE(kinds.indexOf(kind) + 1, 4);
  header.writeBigUInt64LE(inode, 8);
  header.writeBigUInt64LE(BigInt(offset), 16);
  return Buffer.concat([header, data]);
}

/** All changes in order. An unfinished last record is a change that was not done. */
export function readHistory(log: string): Change[] {
  const bytes = readFileSync(log);
  const changes: Change[] = [];
  for (let at = 0; at + headerSize <= bytes.length;) {
    const end = at + headerSize + bytes.readUInt32LE(at);
    if (end > bytes.length) break;
    changes.push({
      kind: kinds[bytes.readUInt32LE(at + 4) - 1]!,
      inode: bytes.readBigUInt64LE(at + 8),
      offset: Number(bytes.readBigUInt64LE(at + 16)),
      data: bytes.subarray(at + headerSize, end),
    });
    at = end;
  }
  return changes;
}

/** A file: what the last sync stored, and the changes after it. */
export interface Inode {
  synced: Content;
  pending: Change[];
}

/** Paths, and what they name. `undefined` is a folder. */
export type Names = Map<string, Inode | undefined>;

type NameChange = { folders: string[]; apply(names: Names): void };

/** What a disk holds for certain, and what it was given since. Built from the changes in their order. */
export class DiskModel {
  private readonly inodes = new Map<bigint, Inode>();
  private readonly syncedNames: Names = new Map();
  private pendingNames: NameChange[] = [];

  apply(change: Change): void {
    const { kind, data } = change;
    const [path = "", to = ""] = kind === "write" || kind === "print" ? [] : `${data}`.split("\0");
    switch (kind) {
      case "create":
        return this.create(path, change.inode);
      case "mkdir":
        return this.rename([path], (names) => names.set(path, undefined));
      case "unlink":
        return this.rename([path], (names) => names.delete(path));
      case "rename":
        return this.move(path, to);
      case "link":
        return this.rename([to], (names) => names.set(to, names.get(path)));
      case "write":
      case "truncate":
        return void this.inodes.get(change.inode)?.pending.push(change);
      case "sync":
        return this.sync(this.inodes.get(change.inode));
      case "sync names":
        return this.syncNames(path);
      case "print":
    }
  }

  /**
   * The names after the first `share` (0 to 1) of the name changes that are not synced. File systems keep their
   * order. Names in a folder that does not exist are lost.
   */
  names(share: number, root: string): Names {
    const names = new Map(this.syncedNames);
    for (const { apply } of this.pendingNames.slice(
      0,
      Math.round(share * this.pendingNames.length),
    ))
      apply(names);
    const exists = (path: string): boolean =>
      path === root || (names.has(path) && exists(dirname(path)));
    return new Map([...names].filter(([path]) => exists(path)));
  }

  private create(path: string, number: bigint): void {
    const inode = { synced: new Content(Buffer.alloc(0)), pending: [] };
    this.inodes.set(number, inode);
    this.rename([path], (names) => names.set(path, inode));
  }

  private move(from: string, to: string): void {
    this.rename([from, to], (names) => {
      if (names.has(from)) names.set(to, names.get(from));
      names.delete(from);
    });
  }

  private rename(paths: string[], apply: (names: Names) => void): void {
    this.pendingNames.push({ folders: paths.map((path) => dirname(path)), apply });
  }

  private sync(inode: Inode | undefined): void {
    if (!inode) return;
    for (const change of inode.pending) inode.synced.apply(change);
    inode.pending = [];
  }

  private syncNames(folder: string): void {
    const isSynced = ({ folders }: NameChange) => folders.includes(folder);
    for (const { apply } of this.pendingNames.filter(isSynced)) apply(this.syncedNames);
    this.pendingNames = this.pendingNames.filter((change) => !isSynced(change));
  }
}

/** The bytes of a file while it is changed. */
export class Content {
  size: number;
  private bytes: Buffer;

  constructor(bytes: Buffer) {
    this.bytes = Buffer.from(bytes);
    this.size = bytes.length;
  }

  /** A write or a truncation. */
  apply({ kind, offset, data }: Change): void {
    if (kind === "truncate") return this.resize(offset);
    if (offset + data.length > this.size) this.resize(offset + data.length);
    data.copy(this.bytes, offset);
  }

  private resize(size: number): void {
    if (size > this.bytes.length) {
      const larger = Buffer.alloc(Math.max(size, 2 * this.bytes.length));
      this.bytes.copy(larger, 0, 0, this.size);
      this.bytes = larger;
    }
    this.bytes.fill(0, Math.min(size, this.size), Math.max(size, this.size));
    this.size = size;
  }

  /** A copy of a part. Beyond the end it holds zeros. */
  part(from: number, length: number): Buffer {
    const part = Buffer.alloc(length);
    this.bytes.copy(part, 0, from, Math.min(from + length, this.size));
    return part;
  }

  all(): Buffer {
    return this.bytes.subarray(0, this.size);
  }
}

/** A file with all its changes, as a process sees it. */
export function contents({ synced, pending }: Inode): Buffer {
  const content = new Content(synced.all());
  for (const change of pending) content.apply(change);
  return content.all();
}
