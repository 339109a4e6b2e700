/** What the browser keeps between visits. Where storage is disabled, it is kept until the page is left. */
const here = new Map<string, string>();

export function get(name: string): string | null {
  try {
    return localStorage.getItem(name);
  } catch {
    return here.get(name) ?? null;
  }
}

export function set(name: string, value: string): void {
  here.set(name, value);
  try {
    localStorage.setItem(name, value);
  } catch {
    // It stays in `here`.
  }
}
