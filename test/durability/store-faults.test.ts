/** The embedded store when system calls fail: each one that it makes, once and from then on. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { temporaryFolder } from "../../bin/processes/node-process.ts";
import type { Fault } from "../faults/control.ts";
import { Disk } from "../faults/disk.ts";

/** 1 lets every call fail, one at a time. By default a part of the calls that there are many of. */
const everyCall = process.env.DURABILITY_EVERY_CALL === "1";

interface Counts {
  rounds: number;
  failedCalls: number;
  refusedStarts: number;
  refusedCalls: number;
  done: number;
}

async function failEach(fault: Fault, step: number, documents: number): Promise<Counts> {
  const folder = temporaryFolder();
  const disk = new Disk(folder.path);
  const script = join(import.meta.dirname, "../faults/store-faults.ts");
  // Not the same calls in each run.
  const from = 1 + Math.floor(Math.random() * step);
  const child = spawn(
    process.execPath,
    [script, disk.folder, JSON.stringify(fault), `${from}`, `${step}`, `${documents}`],
    { env: { ...process.env, ...disk.environment({ recording: false }) } },
  );
  let [printed, errors] = ["", ""];
  child.stdout.on("data", (chunk) => (printed += chunk));
  child.stderr.on("data", (chunk) => (errors += chunk));
  const [code] = await once(child, "close");
  disk.remove();
  folder.remove();
  expect([code, errors]).toEqual([0, ""]);
  console.info(JSON.stringify(fault), printed);
  return JSON.parse(printed) as Counts;
}

it.each<[string, Fault, steps: [once: number, all: number], documents?: number]>([
  ["write finds a full disk", { operations: ["write"], error: "ENOSPC" }, [5, 5]],
  ["write fails", { operations: ["write"], error: "EIO" }, [10, 10]],
  ["sync fails", { operations: ["sync"], error: "EIO" }, [1, 2]],
  ["read of a new file fails", { operations: ["read"], error: "EIO" }, [1, 1]],
  ["read fails", { operations: ["read"], error: "EIO" }, [3, 3], 20],
  // Each of these waits for the lock.
  ["lock is held by another process", { operations: ["lock"], error: "EAGAIN" }, [5, 30]],
  ["file cannot be opened", { operations: ["open"], error: "EIO" }, [1, 1]],
  ["file that exists cannot be opened", { operations: ["open"], error: "EIO" }, [1, 1], 20],
  [
    "change of a size or a name fails",
    { operations: ["truncate", "unlink", "mkdir"], error: "EIO" },
    [1, 1],
  ],
  [
    "checkpoint fails",
    { operations: ["write", "sync", "truncate"], error: "EIO", path: "things.sqlite$" },
    [100, 200],
    1000,
  ],
])(
  "acknowledges no write that is lost, and recovers, when a %s",
  async (_name, fault, [stepOnce, stepAll], documents = 0) => {
    const [one, all] = await Promise.all([
      failEach({ ...fault, count: 1 }, everyCall ? 1 : stepOnce, documents),
      failEach({ ...fault, count: 0 }, everyCall ? 1 : stepAll, documents),
    ]);
    expect(one.failedCalls).toBe(one.rounds - 1);
    expect(one.rounds + all.rounds).toBeGreaterThan(2);
  },
  3_600_000,
);
