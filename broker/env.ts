import { ConfigurationError, readEnv, type Env } from "./env/read.ts";

export type { Env } from "./env/read.ts";

/** This process's configuration, read once. A process whose configuration is not valid prints why and exits with 1. */
export const env = readOrExit();

function readOrExit(): Env {
  try {
    return readEnv(process.env);
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    console.error(error.message);
    return process.exit(1);
  }
}
