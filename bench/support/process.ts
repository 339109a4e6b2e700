/** What the system knows of a process. Linux alone. */
import { readFileSync } from "node:fs";

/** Resident memory in bytes. */
export const memoryOf = (pid: number): number =>
  1024 * Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]);

/** Seconds of CPU so far; the clock ticks a hundred times a second. */
export function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** The process that it started to do the work, or that one's, and so on. */
export function leafOf(pid: number): number {
  const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8")
    .split(" ")
    .filter(Boolean);
  return child ? leafOf(Number(child)) : pid;
}
