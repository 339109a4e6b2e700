import { availableParallelism } from "node:os";

/** Node strips the types itself; each suite is a folder under test/, chosen by the npm script. */
export default {
  testEnvironment: "node",
  transform: {},
  extensionsToTreatAsEsm: [".ts"],
  testMatch: ["**/test/**/*.test.ts"],
  // A test that hangs ends; a test on a machine under load does not.
  testTimeout: 120_000,
  // Half of the time, a test waits: for a timeout, or for a process that it started.
  maxWorkers: 2 * availableParallelism(),
  // Jest keeps the modules of the files that a worker has run.
  workerIdleMemoryLimit: "700MB",
};
