import type { Finding, Severity } from "../../api/findings";
import { hrefOf } from "../../state/location";
import type { Span } from "../../state/range";
import type { Tone } from "../../ui/State";

export const SEVERITIES: Severity[] = ["critical", "high", "medium", "low", "info"];

const SEVERITY_WORDS: Record<Severity, { tone: Tone; name: string }> = {
  critical: { tone: "crit", name: "Critical" },
  high: { tone: "crit", name: "High" },
  medium: { tone: "warn", name: "Medium" },
  low: { tone: "info", name: "Low" },
  info: { tone: "info", name: "Note" },
};

/** What a severity is called, and the tone of its pill. */
export function severityWords(severity: Severity): { tone: Tone; name: string } {
  return SEVERITY_WORDS[severity] ?? SEVERITY_WORDS.info;
}

const KINDS: Record<string, string> = {
  "rejected-burst": "Rejected bursts",
  "coverage-gap": "Gaps of coverage",
  skipdata: "Skipped records",
  delivery: "Deliveries",
  loss: "Losses",
  disk: "Disk",
};

/** What a kind of finding is called. */
export function kindName(kind: string): string {
  return KINDS[kind] ?? kind;
}

/** At least so much around a finding is shown. Units: seconds. */
const AROUND_MIN_S = 600;
/** And at most. */
const AROUND_MAX_S = 6 * 3600;

/** The time of a finding with some of what was before and after; undefined when it has none. */
export function spanAround({ start_s, end_s }: Finding): Span | undefined {
  if (start_s === null) return undefined;
  const end = Math.max(end_s ?? start_s, start_s + 60);
  const around = Math.min(AROUND_MAX_S, Math.max(AROUND_MIN_S, 2 * (end - start_s)));
  const from = Math.floor((start_s - around) / 60) * 60;
  return { start: Math.max(0, from), end: Math.ceil((end + around) / 60) * 60 };
}

/** The time of a finding itself; undefined when it has none. */
export function spanOf({ start_s, end_s }: Finding): Span | undefined {
  if (start_s === null) return undefined;
  return { start: start_s, end: Math.max(end_s ?? start_s, start_s + 60) };
}

/** The address of a page in the time of a finding, with its filter. */
export function findingLink(path: string, finding: Finding): string {
  const span = spanAround(finding);
  const own: Record<string, string | null> = { finding: null, filter: finding.filter || null };
  if (span) Object.assign(own, { last: null, start: String(span.start), end: String(span.end) });
  return hrefOf(path, own);
}

/** Findings of a severity and a kind; empty texts take all. */
export function chosenFindings(
  findings: readonly Finding[],
  severity: string,
  kind: string,
): Finding[] {
  return findings.filter(
    (one) => (!severity || one.severity === severity) && (!kind || one.kind === kind),
  );
}
