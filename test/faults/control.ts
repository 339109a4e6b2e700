/** The file through which faults.c is told, while a process runs, which calls fail. */
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { constants } from "node:os";

export type Operation =
  | "open"
  | "open-to-write"
  | "create"
  | "read"
  | "write"
  /** A write past the end of the file: the only kind that a full disk refuses. */
  | "extend"
  | "truncate"
  | "sync"
  | "lock"
  | "unlink"
  | "rename"
  | "link"
  | "mkdir";

export interface Fault {
  operations: Operation[];
  error: "ENOSPC" | "EIO" | "EROFS" | "EAGAIN" | "EDQUOT";
  /** The first call that fails, from 1. */
  first?: number;
  /** How many calls fail. 0 is all of them. */
  count?: number;
  /** Only paths that contain this; with a `$`, that end with it. */
  path?: string;
}

/** From now on calls fail, until `mendCalls`. They are counted from 1 again. The default file is that of this process. */
export function failCalls(fault: Fault, control = process.env.FAULTS_CONTROL!): void {
  const { operations, error, first = 1, count = 0, path = "/" } = fault;
  rmSync(`${control}.hits`, { force: true });
  const code = constants.errno[error];
  writeFileSync(`${control}.new`, [operations.join("+"), code, first, count, path].join(" "));
  renameSync(`${control}.new`, control);
}

export function mendCalls(control = process.env.FAULTS_CONTROL!): void {
  rmSync(control, { force: true });
}

/** The calls that have failed since `failCalls`, as "operation path". */
export function failedCalls(control = process.env.FAULTS_CONTROL!): string[] {
  const hits = `${control}.hits`;
  return existsSync(hits) ? readFileSync(hits, "utf8").trimEnd().split("\n") : [];
}
