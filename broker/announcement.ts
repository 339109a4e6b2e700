/** What a node says of itself to the others, for operators: its version, and the ids of its keys. Nothing secret. */
import type { Keys } from "./keys.ts";
import { version } from "./version.ts";

export interface Announcement {
  version: string;
  /** The ids of the keys with which the node checks access tokens. */
  verifies: string[];
  /** The id of the key with which it signs them: on nodes of users only. */
  signs?: string;
}

export const announcementOf = (keys: Pick<Keys, "public" | "private">): Announcement => ({
  version,
  verifies: keys.public.flatMap(({ kid }) => kid ?? []),
  ...(keys.private?.kid && { signs: keys.private.kid }),
});
