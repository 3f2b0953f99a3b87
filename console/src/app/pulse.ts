import { useEffect, useState } from "react";
import { getJson, reachable } from "../api/client";
import { serverNow } from "../state/clock";
import { createStore } from "../state/store";
import { formatBytes, formatCount } from "../time/format";

/** How often the foot of the sidebar is asked for. */
const PULSE_MS = 15_000;
/** Findings in the sidebar are of the last day. */
const FINDINGS_SPAN_S = 86_400;
const FINDINGS_MS = 60_000;

/** What GET /health says, as far as the shell reads it. */
export const health = createStore<Record<string, unknown> | undefined>(undefined);

export interface Pulse {
  tone: "ok" | "warn" | "off";
  /** Ingesting 562 flows/s */
  state: string;
  /** 4.1 B records, 212 GB on disk */
  stored: string;
}

/** How the server does, in two lines. */
export function usePulse(): Pulse {
  useEvery(PULSE_MS, () =>
    getJson<Record<string, unknown>>("/health").then((found) => health.set(found)),
  );
  const found = health.use();
  const online = reachable.use();
  if (!online) return { tone: "off", state: "Server away", stored: "" };
  return pulseOf(found);
}

/** The two lines of what /health says. */
export function pulseOf(found: Record<string, unknown> | undefined): Pulse {
  if (!found) return { tone: "ok", state: "Connected", stored: "" };
  const summary = (found.summary ?? found) as Record<string, unknown>;
  const rate = numberIn(summary, "records_per_s", "flows_per_s", "rate");
  const records = numberIn(summary, "records", "records_stored", "table_records");
  const bytes = numberIn(summary, "table_bytes", "bytes_on_disk", "bytes");
  const bad = summary.ok === false || summary.state === "bad" || summary.state === "warn";
  const state = rate ? `Ingesting ${formatCount(rate)} flows/s` : "Idle, nothing coming in";
  const stored = [
    records === undefined ? "" : `${formatCount(records)} records`,
    bytes === undefined ? "" : `${formatBytes(bytes)} on disk`,
  ];
  return { tone: bad ? "warn" : "ok", state, stored: stored.filter(Boolean).join(", ") };
}

function numberIn(from: Record<string, unknown>, ...names: string[]): number | undefined {
  for (const name of names) if (typeof from[name] === "number") return from[name];
  return undefined;
}

/** How many findings the last day holds; undefined until known. */
export function useOpenFindings(): number | undefined {
  const [count, setCount] = useState<number>();
  useEvery(FINDINGS_MS, () => {
    const end = Math.ceil(serverNow() / 300) * 300;
    const params = { start: end - FINDINGS_SPAN_S, end };
    return getJson<unknown>("/findings", params).then((found) => {
      const list = Array.isArray(found) ? found : (found as { findings?: unknown[] })?.findings;
      setCount(list?.length);
    });
  });
  return count;
}

function useEvery(ms: number, load: () => Promise<unknown>): void {
  // biome-ignore lint/correctness/useExhaustiveDependencies: the first `load` does for all rounds
  useEffect(() => {
    // Faults are told by the pages that show the same in full.
    const run = () => !document.hidden && load().catch(() => undefined);
    run();
    const timer = window.setInterval(run, ms);
    return () => window.clearInterval(timer);
  }, [ms]);
}
