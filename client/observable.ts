/** A value that can be watched. */
export interface Observable<T> {
  get(): T;
  /** Calls the listener immediately with the current state, and after every change. Returns a function that unsubscribes. */
  subscribe(listener: (state: T) => void): () => void;
}

/** An observable that can be set. Its functions do not use `this`, so they can be passed on without binding. */
export function observable<T>(state: T): Observable<T> & { set(next: T): void } {
  const changes = emitter<T>();
  return {
    get: () => state,
    set: (next) => changes.emit((state = next)),
    subscribe(listener) {
      const unsubscribe = changes.on(listener);
      listener(state);
      return unsubscribe;
    },
  };
}

export interface Emitter<T> {
  /** Returns a function that removes the listener. The same function may be added twice. */
  on(listener: (event: T) => void): () => void;
  /** Calls all listeners. An error that one of them throws becomes an uncaught error; the remaining listeners still run. */
  emit(event: T): void;
}

export function emitter<T>(): Emitter<T> {
  const listeners = new Set<(event: T) => void>();
  return {
    on(listener) {
      const added = (event: T) => listener(event);
      listeners.add(added);
      return () => void listeners.delete(added);
    },
    emit(event) {
      for (const listener of [...listeners])
        try {
          listener(event);
        } catch (error) {
          setTimeout(() => {
            throw error;
          });
        }
    },
  };
}
