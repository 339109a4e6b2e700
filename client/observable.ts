/** A value that others can watch. */
export interface Store<T> {
  get(): T;
  /** Calls the listener at once with the current state and then after every change; what is returned ends that. */
  subscribe(listener: (state: T) => void): () => void;
}

/** A store, and what changes it. The functions need no `this`, so that they can be handed on. */
export function observable<T>(state: T): Store<T> & { set(next: T): void } {
  const changed = signal<T>();
  return {
    get: () => state,
    set: (next) => changed.tell((state = next)),
    subscribe(listener) {
      const off = changed.on(listener);
      listener(state);
      return off;
    },
  };
}

/** Something that happens, and those who want to hear of it. */
export function signal<T>() {
  const listeners = new Set<(event: T) => void>();
  return {
    on(listener: (event: T) => void): () => void {
      const mine = (event: T) => listener(event); // the same function may listen twice
      listeners.add(mine);
      return () => void listeners.delete(mine);
    },
    tell(event: T): void {
      for (const listener of [...listeners])
        try {
          listener(event);
        } catch (error) {
          // Its own fault, and not to be hidden; but the others hear of the event all the same.
          setTimeout(() => {
            throw error;
          });
        }
    },
  };
}
