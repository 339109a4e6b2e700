import { globals } from "./globals.ts";

/** Where the refresh token lives, and what the client notes beside it: one text, of letters, digits, `.`, `_`, `-` and `~`. */
export interface Tokens {
  get(): string | null;
  set(token: string | null): void;
  /** Calls the listener when somebody else changed it: another tab. */
  onChange?(listener: () => void): void;
}

export function tokensInMemory(): Tokens {
  let kept: string | null = null;
  return { get: () => kept, set: (token) => void (kept = token) };
}

/** In localStorage, so that a session outlives the page; where that is disabled or full, in memory. */
export function storedTokens(key = "souk.refreshToken"): Tokens {
  const memory = tokensInMemory();
  let isStored = true;
  const orElse = <T>(stored: () => T, fallback: () => T): T => {
    if (isStored)
      try {
        return stored();
      } catch {
        isStored = false;
      }
    return fallback();
  };
  return {
    get: () => orElse(() => globals.localStorage!.getItem(key), memory.get),
    set(token) {
      memory.set(token);
      orElse(
        () =>
          token === null
            ? globals.localStorage!.removeItem(key)
            : globals.localStorage!.setItem(key, token),
        () => {},
      );
    },
    onChange(listener) {
      // Without a key: all of it was cleared.
      globals.addEventListener?.(
        "storage",
        (event) => void ((event.key === key || event.key === null) && listener()),
      );
    },
  };
}
