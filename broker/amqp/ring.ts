/** The ring of a cluster's nodes, in the order of their ids. Pure functions. */
import { createHash } from "node:crypto";

/** A node as another one knows it. */
export interface Member {
  id: string;
  /** Identifies the process. */
  instanceID: string | null;
  /** Counts changes of its services. */
  seq: number;
  /** When it connected, by its own wall clock. */
  joinedAt: number | undefined;
}

/** The nodes before and after `self`, which is one of `ids`. Undefined for a node alone. */
export function neighbours(
  self: string,
  ids: readonly string[],
): { predecessor: string; successor: string } | undefined {
  const others = ids.filter((id) => id !== self).sort();
  if (others.length === 0) return undefined;
  const next = others.findIndex((id) => id > self);
  const successor = others[next === -1 ? 0 : next]!;
  const predecessor = others.at(next === -1 ? -1 : next - 1)!;
  return { predecessor, successor };
}

/** A digest of constant size: nodes with the same digest know the same nodes with the same services. */
export function digestOf(members: readonly Member[]): string {
  const lines = members.map((it) => `${it.id} ${it.instanceID} ${it.seq} ${it.joinedAt}`).sort();
  return createHash("sha256").update(lines.join("\n")).digest("base64").slice(0, 16);
}
