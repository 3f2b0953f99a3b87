import { useEffect } from "react";
import { reachable } from "../api/client";
import { loadFindings, openFindings } from "../api/findings";
import { health, loadHealth, recordRate } from "../api/health";
import { useMuted } from "../state/muted";
import { formatBytes, formatCount } from "../time/format";

/** How often the foot of the sidebar is asked for. */
const PULSE_MS = 15_000;
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
  useAskedEvery(PULSE_MS, loadHealth);
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

/** Findings of the last day that are not muted here, and whether one of them is grave. */
export function useOpenFindings(): { count: number; grave: boolean } {
  useAskedEvery(FINDINGS_MS, loadFindings);
  const found = openFindings.use() ?? [];
  const isMuted = useMuted();
  const open = found.filter((finding) => !isMuted(finding));
  return {
    count: open.length,
    grave: open.some(({ severity }) => severity === "critical" || severity === "high"),
  };
}

/** Asks now and every `ms` while the page is seen, one at a time. */
function useAskedEvery(ms: number, load: () => Promise<unknown>): void {
  // biome-ignore lint/correctness/useExhaustiveDependencies: the first `load` does for all rounds
  useEffect(() => {
    let waits = false;
    const run = async () => {
      // A server that hangs would else be asked until no other question has room.
      if (document.hidden || waits) return;
      waits = true;
      // Faults are told by the pages that show the same in full.
      await load().catch(() => undefined);
      waits = false;
    };
    run();
    const timer = window.setInterval(run, ms);
    return () => window.clearInterval(timer);
  }, [ms]);
}
