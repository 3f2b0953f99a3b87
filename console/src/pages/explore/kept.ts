/** What the page remembers in this browser; the address goes before it. */

/** Reads a kept text; storage may be forbidden. */
export function keptText(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

/** Keeps a text, or forgets it. */
export function keepText(key: string, text: string | null): void {
  try {
    if (text === null) localStorage.removeItem(key);
    else localStorage.setItem(key, text);
  } catch {
    // Storage may be forbidden or full; the address still holds what matters.
  }
}

/** Reads kept JSON; `fallback` for what is missing or spoilt. */
export function keptJson<T>(key: string, fallback: T): T {
  const text = keptText(key);
  if (text === null) return fallback;
  try {
    return JSON.parse(text) as T;
  } catch {
    return fallback;
  }
}
