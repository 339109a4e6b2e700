import type { MongoClient } from "mongodb";
import type { Connections } from "./store.ts";

/** Counts the connections of a client, of all its servers together, from now on. Returns their numbers. */
export function watchPool(client: MongoClient): () => Connections {
  const counts: Connections = { open: 0, used: 0, waiting: 0 };
  client
    .on("connectionCreated", () => counts.open++)
    .on("connectionClosed", () => counts.open--)
    .on("connectionCheckOutStarted", () => counts.waiting++)
    .on("connectionCheckOutFailed", () => counts.waiting--)
    .on("connectionCheckedOut", () => {
      counts.waiting--;
      counts.used++;
    })
    .on("connectionCheckedIn", () => counts.used--);
  return () => ({ ...counts });
}
