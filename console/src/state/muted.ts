import { createStore } from "./store";

/** A finding is muted so long at most. */
export const MUTED_MS = 86_400_000;
/** Muted findings that are remembered; the oldest go first. */
const MUTED_MAX = 500;
const KEY = "vpcflow.muted";

interface Muted {
  until: number;
  /** What it said then: when it says more, it is shown again. */
  evidence: string;
}

interface Mutable {
  id: string;
  evidence: string;
}

const muted = createStore<Record<string, Muted>>(read());

function read(): Record<string, Muted> {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    return found && typeof found === "object" ? (found as Record<string, Muted>) : {};
  } catch {
    return {};
  }
}

function write(next: Record<string, Muted>): void {
  const now = Date.now();
  const kept = Object.entries(next).filter(([, one]) => one?.until > now);
  const last = Object.fromEntries(kept.slice(-MUTED_MAX));
  muted.set(last);
  try {
    localStorage.setItem(KEY, JSON.stringify(last));
  } catch {
    // Without storage it is muted until the page is loaded again.
  }
}

window.addEventListener("storage", (event) => {
  if (event.key === KEY) muted.set(read());
});

/** Hides a finding in this browser for a day, or until it says something else. */
export function mute({ id, evidence }: Mutable): void {
  write({ ...muted.get(), [id]: { until: Date.now() + MUTED_MS, evidence } });
}

/** Shows a finding again. */
export function unmute(id: string): void {
  const { [id]: _, ...rest } = muted.get();
  write(rest);
}

/** Tells which findings are muted now. */
export function useMuted(): (finding: Mutable) => boolean {
  const known = muted.use();
  const now = Date.now();
  return ({ id, evidence }) => {
    const one = known[id];
    return one?.until !== undefined && one.until > now && one.evidence === evidence;
  };
}
