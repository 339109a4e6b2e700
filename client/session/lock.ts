import { globals } from "../globals.ts";
import { noAnswer, SoukError } from "../souk-error.ts";

/** The longest wait for another tab. A frozen tab keeps its lock as long as it is frozen. */
const lockTimeoutMs = 20_000;

/**
 * Runs while no other tab of this origin runs under the same name. Runs immediately without a name, and in pages without TLS, which have
 * no `navigator.locks`.
 */
export async function exclusive<T>(name: string | undefined, run: () => Promise<T>): Promise<T> {
  const locks = name === undefined ? undefined : globals.navigator?.locks;
  if (!locks) return run();
  return locks
    .request(name!, { signal: AbortSignal.timeout(lockTimeoutMs) }, run)
    .catch((error: unknown) => {
      throw error instanceof SoukError ? error : noAnswer(error);
    });
}
