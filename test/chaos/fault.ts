import type { ServiceName } from "../../contracts/actions.ts";
import type { Member } from "./member.ts";

/** What a client can read during a fault. */
export type Surface = "browse" | "profile" | "inbox";

export interface Fault {
  /** The row of the table. */
  name: string;
  /** What depends on the faulty part: its first success is the recovery. */
  dependent?: Surface;
  /** The features that must work during the fault, from `graceMs` after the injection. */
  available: Surface[];
  graceMs: number;
  /** A faulty api, which is not used for requests that must succeed. */
  avoid?: Member;
  /** Ms between `inject` and `heal`. */
  durationMs: number;
  inject(): Promise<unknown>;
  heal(): Promise<unknown>;
}

/** The surface of each service. A service without one gets the same faults; its health shows the recovery. */
export const surfaceOf: Partial<Record<ServiceName, Surface>> = {
  api: "browse",
  market: "browse",
  notifications: "inbox",
  users: "profile",
};
export const allSurfaces: Surface[] = ["browse", "profile", "inbox"];
/** The surfaces that work without this service. */
export const without = (service: ServiceName): Surface[] =>
  service === "api" ? allSurfaces : allSurfaces.filter((surface) => surface !== surfaceOf[service]);
