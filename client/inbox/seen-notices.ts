import type { Notification } from "../notices.ts";

/** Ids that are remembered. */
const maxSeen = 10_000;

export type Position = Pick<Notification, "id" | "createdAt">;

/** The server's order: by time, then by id. */
export const isNewer = (a: Position, b: Position) =>
  a.createdAt === b.createdAt ? a.id > b.id : a.createdAt > b.createdAt;
export const newestFirst = (a: Position, b: Position) => (isNewer(a, b) ? -1 : 1);

/** The state of one notice id. */
interface Seen {
  receivedAt: number;
  readAt?: number;
  createdAt?: string;
}

/** The notices that arrived or were read, with the logical times of that. Calls `emit` once for each new id. */
export class SeenNotices {
  readonly #emit: (notification: Notification) => void;
  readonly #seen = new Map<string, Seen>();
  /** Notices up to this position that existed at the logical time `since` are read. */
  #readUpTo: (Position & { since: number }) | undefined;

  constructor(emit: (notification: Notification) => void) {
    this.#emit = emit;
  }

  has(id: string): boolean {
    return this.#seen.has(id);
  }

  /** Returns undefined for an id that did not arrive. */
  positionOf(id: string): Position | undefined {
    const createdAt = this.#seen.get(id)?.createdAt;
    return createdAt === undefined ? undefined : { id, createdAt };
  }

  add(notifications: Notification[], receivedAt: number, isNew: boolean): void {
    for (const notification of notifications) {
      const { id, createdAt } = notification;
      if (this.#seen.has(id)) continue;
      this.#seen.set(id, { receivedAt, createdAt });
      if (isNew) this.#emit(notification);
    }
    for (const id of this.#seen.keys()) {
      if (this.#seen.size <= maxSeen) break;
      this.#seen.delete(id);
    }
  }

  markRead(ids: string[], readAt: number): void {
    for (const id of ids) this.#seen.set(id, { ...this.#seen.get(id), receivedAt: 0, readAt });
  }

  markReadUpTo(end: Position, since: number): void {
    if (!this.#readUpTo || isNewer(end, this.#readUpTo)) this.#readUpTo = { ...end, since };
  }

  /** Whether it lies in the range that was read, at or after the logical time `mark`. */
  isReadUpTo(one: Position, mark = 0): boolean {
    const end = this.#readUpTo;
    return end !== undefined && end.since >= mark && !isNewer(one, end);
  }

  isReadSince(mark: number, one: Position): boolean {
    return this.isReadUpTo(one, mark) || (this.#seen.get(one.id)?.readAt ?? -1) >= mark;
  }

  isReceivedSince(mark: number, { id }: Position): boolean {
    return (this.#seen.get(id)?.receivedAt ?? -1) >= mark;
  }
}
