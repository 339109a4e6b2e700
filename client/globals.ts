/** Globals of a browser that Node has only in part. Reading `localStorage` throws where it is disabled. */
// The cast: Node's own types declare some of these globals differently.
export const globals = globalThis as unknown as {
  localStorage?: {
    getItem(key: string): string | null;
    setItem(key: string, value: string): void;
    removeItem(key: string): void;
  };
  navigator?: {
    locks?: {
      request<T>(name: string, options: { signal: AbortSignal }, run: () => Promise<T>): Promise<T>;
    };
  };
  crypto: { getRandomValues(numbers: Uint32Array): Uint32Array };
  location?: { href: string };
  document?: {
    visibilityState: string;
    hasFocus(): boolean;
    addEventListener(type: string, listener: () => void): void;
  };
  addEventListener?(type: string, listener: (event: { key?: string | null }) => void): void;
};
