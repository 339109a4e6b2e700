/** Settings that are kept between visits. Where localStorage is disabled, they are kept until the page is closed. */
const memory = new Map<string, string>();

export function get(name: string): string | null {
  try {
    return localStorage.getItem(name);
  } catch {
    return memory.get(name) ?? null;
  }
}

export function set(name: string, value: string): void {
  memory.set(name, value);
  try {
    localStorage.setItem(name, value);
  } catch {
    // It stays in memory.
  }
}

export function remove(name: string): void {
  memory.delete(name);
  try {
    localStorage.removeItem(name);
  } catch {
    // It was in memory.
  }
}
