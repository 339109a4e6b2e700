/** Memory and CPU of another process, from /proc. Linux only. */
import { readFileSync } from "node:fs";

/** Resident memory in bytes. */
export const residentMemory = (pid: number): number =>
  1024 * Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]);

/** CPU time since its start in seconds. The kernel counts in hundredths of a second. */
export function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** The last process of a chain of child processes: `npm start` runs a shell, which runs Node. */
export function leafOf(pid: number): number {
  const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8")
    .split(" ")
    .filter(Boolean);
  return child ? leafOf(Number(child)) : pid;
}
