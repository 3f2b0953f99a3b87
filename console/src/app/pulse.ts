import { useEffect, useState } from "react";
import { getJson, reachable } from "../api/client";
import { health, loadHealth, recordRate } from "../api/health";
import { serverNow } from "../state/clock";
import { formatBytes, formatCount } from "../time/format";

/** How often the foot of the sidebar is asked for. */
const PULSE_MS = 15_000;
/** Findings in the sidebar are of the last day. */
const FINDINGS_SPAN_S = 86_400;
const FINDINGS_MS = 60_000;

export interface Pulse {
  tone: "ok" | "warn" | "crit" | "off";
  /** Ingesting 562 flows/s */
  state: string;
  /** 4.1B records, 212 GB on disk */
  stored: string;
}

const TONES = { ok: "ok", warning: "warn", critical: "crit" } as const;

/** How the server does, in two lines. */
export function usePulse(): Pulse {
  useEvery(PULSE_MS, loadHealth);
  const found = health.use();
  const rate = recordRate.use();
  const online = reachable.use();
  if (!online) return { tone: "off", state: "Server away", stored: "" };
  if (!found) return { tone: "ok", state: "Connected", stored: "" };
  const { rows, bytes } = found.records;
  const idle = found.capture.running ? "Metering" : "Not metering";
  return {
    tone: TONES[found.status],
    state: rate ? `Ingesting ${formatCount(rate)} flows/s` : idle,
    stored: `${formatCount(rows)} records, ${formatBytes(bytes)} on disk`,
  };
}

/** How many findings the last day holds; undefined until known. */
export function useOpenFindings(): number | undefined {
  const [count, setCount] = useState<number>();
  useEvery(FINDINGS_MS, async () => {
    const end = Math.ceil(serverNow() / 300) * 300;
    const params = { start: end - FINDINGS_SPAN_S, end };
    const found = await getJson<unknown>("/findings", params, { priority: () => 3 });
    const list = Array.isArray(found) ? found : (found as { findings?: unknown[] })?.findings;
    setCount(list?.length);
  });
  return count;
}

function useEvery(ms: number, load: () => Promise<unknown>): void {
  // biome-ignore lint/correctness/useExhaustiveDependencies: the first `load` does for all rounds
  useEffect(() => {
    // Faults are told by the pages that show the same in full.
    const run = () => {
      if (!document.hidden) load().catch(() => undefined);
    };
    run();
    const timer = window.setInterval(run, ms);
    return () => window.clearInterval(timer);
  }, [ms]);
}
