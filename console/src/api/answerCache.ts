/** Answers kept, and how large they are together; the oldest used go first. */
export const CACHED_MAX = 150;
export const CACHED_BYTES_MAX = 32_000_000;

interface Kept {
  etag: string;
  value: unknown;
  bytes: number;
}

const kept = new Map<string, Kept>();
let total = 0;

/** What is kept of an address. */
export function recall(key: string): Kept | undefined {
  const entry = kept.get(key);
  if (entry) {
    kept.delete(key);
    kept.set(key, entry);
  }
  return entry;
}

/** Keeps an answer with its tag. Units: `bytes` of the body as it came. */
export function keep(key: string, etag: string, value: unknown, bytes: number): void {
  forget(key);
  if (bytes > CACHED_BYTES_MAX / 4) return;
  kept.set(key, { etag, value, bytes });
  total += bytes;
  for (const oldest of kept.keys()) {
    if (kept.size <= CACHED_MAX && total <= CACHED_BYTES_MAX) break;
    forget(oldest);
  }
}

function forget(key: string): void {
  total -= kept.get(key)?.bytes ?? 0;
  kept.delete(key);
}

const owners = new Set<() => void>();

/** Has `forget` called when another reader signs in: for what was read and is kept elsewhere. */
export function forgetWith(forget: () => void): void {
  owners.add(forget);
}

/** Drops everything: another reader signs in, who may not see what the last one read. */
export function forgetAll(): void {
  kept.clear();
  total = 0;
  for (const forgetOwn of owners) forgetOwn();
}
