import { serverNow } from "../state/clock";
import { createStore } from "../state/store";
import { forgetWith } from "./answerCache";
import { getJson, session } from "./client";

export type Severity = "critical" | "high" | "medium" | "low" | "info";

/** Something to look at. Units: seconds since the epoch. */
export interface Finding {
  id: string;
  severity: Severity;
  kind: "rejected-burst" | "coverage-gap" | "skipdata" | "delivery" | "loss" | "disk";
  title: string;
  evidence: string;
  start_s: number | null;
  end_s: number | null;
  /** Shows its records; empty when it is not of records. */
  filter: string;
  interface_id: string;
  flow_log_id: string;
  /** What to do. */
  next: string;
}

/** Findings with how much was looked at. */
export interface Findings {
  findings: Finding[];
  notes: string[];
  interfaces: number;
  records: number;
}

/** The sidebar's count is of the last day. Units: seconds. */
export const FINDINGS_SPAN_S = 86_400;
/** How often it is asked at most, however many pages are opened. */
const FINDINGS_MS = 60_000;
/** Ends are aligned to this, so that many browsers ask the same. Units: seconds. */
const STEP_S = 300;

/** Findings of the last day, as they were told last. */
export const openFindings = createStore<Finding[] | undefined>(undefined);

let askedAt = Number.NEGATIVE_INFINITY;

forgetWith(() => {
  askedAt = Number.NEGATIVE_INFINITY;
  openFindings.set(undefined);
});

/** Asks for the findings of the last day unless it was done within a minute. Errors: Fault. */
export async function loadFindings(): Promise<void> {
  const now = Date.now();
  if (now - askedAt < FINDINGS_MS - 1_000) return;
  askedAt = now;
  const end = Math.ceil(serverNow() / STEP_S) * STEP_S;
  const params = { start: end - FINDINGS_SPAN_S, end };
  try {
    const found = await getJson<Findings>("/findings", params, { priority: () => 3 });
    if (session.get()?.signed_in) openFindings.set(found.findings);
  } catch (error) {
    askedAt = Number.NEGATIVE_INFINITY;
    throw error;
  }
}
