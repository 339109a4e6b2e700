import { globals } from "./globals.ts";

/**
 * Storage for the refresh token. The stored text is the token, during a refresh followed by `~` and an idempotency key. It consists of
 * letters, digits, `.`, `_`, `-` and `~`.
 */
export interface Tokens {
  get(): string | null;
  set(token: string | null): void;
  /** Calls the listener when another tab has changed the stored text. */
  onChange?(listener: () => void): void;
}

export function memoryTokens(): Tokens {
  let stored: string | null = null;
  return { get: () => stored, set: (token) => void (stored = token) };
}

/** Keeps the refresh token in localStorage, so that a session survives a reload. Falls back to memory where that is disabled or full. */
export function storedTokens(key = "souk.refreshToken"): Tokens {
  const memory = memoryTokens();
  let isStorageUsable = true;
  const withFallback = <T>(use: () => T, fallback: () => T): T => {
    if (isStorageUsable)
      try {
        return use();
      } catch {
        isStorageUsable = false;
      }
    return fallback();
  };
  return {
    get: () => withFallback(() => globals.localStorage!.getItem(key), memory.get),
    set(token) {
      memory.set(token);
      withFallback(
        () =>
          token === null
            ? globals.localStorage!.removeItem(key)
            : globals.localStorage!.setItem(key, token),
        () => {},
      );
    },
    onChange(listener) {
      // The key is null when all of the storage was cleared.
      globals.addEventListener?.(
        "storage",
        (event) => void ((event.key === key || event.key === null) && listener()),
      );
    },
  };
}
