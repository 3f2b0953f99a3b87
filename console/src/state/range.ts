import { useMemo } from "react";
import { formatRange } from "../time/format";
import { currentMoment, touchMoment, useMoment } from "./clock";
import { currentPlace, setParams, usePlace, useUrlParam } from "./location";
import { currentZone, useZone } from "./zone";

/** Seconds of each unit of a relative range, as in `last=90m`. */
const UNITS: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };
export const DEFAULT_LAST = "1h";
/** Narrower ranges are widened to this, since flow records are windows of a minute or so. */
export const RANGE_SECONDS_MIN = 60;
export const RANGE_SECONDS_MAX = 366 * 86_400;
/** Ranges that one may undo. */
const UNDO_MAX = 50;

export const PRESETS: { last: string; label: string }[] = [
  { last: "15m", label: "Last 15 minutes" },
  { last: "1h", label: "Last hour" },
  { last: "3h", label: "Last 3 hours" },
  { last: "6h", label: "Last 6 hours" },
  { last: "12h", label: "Last 12 hours" },
  { last: "24h", label: "Last 24 hours" },
  { last: "2d", label: "Last 2 days" },
  { last: "7d", label: "Last 7 days" },
  { last: "30d", label: "Last 30 days" },
];

/** A time range. Units: seconds since the epoch, end exclusive. */
export interface Span {
  start: number;
  end: number;
}

export interface Range extends Span {
  /** As in `1h`; null when the range is fixed. */
  relative: string | null;
  seconds: number;
  /** As in "Last hour", or the exact times of a fixed range. */
  label: string;
  /** Exact times with the zone. */
  exact: string;
}

/** Seconds of a relative range such as `90m`; undefined when it is none. */
export function parseLast(text: string): number | undefined {
  const match = /^(\d{1,5})([smhdw])$/.exec(text.trim());
  if (!match) return undefined;
  const seconds = Number(match[1]) * (UNITS[match[2] ?? ""] ?? 0);
  return seconds >= RANGE_SECONDS_MIN && seconds <= RANGE_SECONDS_MAX ? seconds : undefined;
}

/** What ends of relative ranges are aligned to, so that people share the server's answers. */
export function alignmentOf(seconds: number): number {
  if (seconds <= 86_400) return 60;
  return seconds <= 7 * 86_400 ? 300 : 1800;
}

/** A relative range as it is at `now`. */
export function resolveLast(seconds: number, now: number): Span {
  const step = alignmentOf(seconds);
  const end = Math.ceil(now / step) * step;
  return { start: end - seconds, end };
}

/** The range that a query says, at `now`; what it cannot read counts as the default. */
export function rangeOf(query: string, now: number, zone = "utc"): Range {
  const params = new URLSearchParams(query);
  const start = wholeNumber(params.get("start"));
  const end = wholeNumber(params.get("end"));
  if (start !== undefined && end !== undefined && end > start) {
    const span = { start: Math.max(start, end - RANGE_SECONDS_MAX), end };
    const exact = formatRange(span, zone);
    return { ...span, relative: null, seconds: end - span.start, label: exact, exact };
  }
  const asked = params.get("last") ?? DEFAULT_LAST;
  const known = parseLast(asked);
  const relative = known === undefined ? DEFAULT_LAST : asked;
  const seconds = known ?? UNITS.h ?? 3600;
  const span = resolveLast(seconds, now);
  const exact = formatRange(span, zone);
  return { ...span, relative, seconds, label: labelOf(relative), exact };
}

function wholeNumber(text: string | null): number | undefined {
  return text !== null && /^\d{1,11}$/.test(text) ? Number(text) : undefined;
}

/** What a relative range is called. */
export function labelOf(relative: string): string {
  const preset = PRESETS.find((entry) => entry.last === relative);
  if (preset) return preset.label;
  const match = /^(\d+)([smhdw])$/.exec(relative);
  const names: Record<string, string> = {
    s: "seconds",
    m: "minutes",
    h: "hours",
    d: "days",
    w: "weeks",
  };
  const number = match?.[1] ?? "";
  const name = names[match?.[2] ?? ""] ?? "";
  return `Last ${number === "1" ? name.slice(0, -1) : `${number} ${name}`}`;
}

/** The range that the whole page follows. */
export function useRange(): Range {
  const { query } = usePlace();
  const now = useMoment();
  const zone = useZone();
  return useMemo(() => rangeOf(query, now, zone), [query, now, zone]);
}

const undone: string[] = [];

/** Sets a fixed range. `replace` leaves no entry in the browser's history. */
export function setRange(span: Span, options: { replace?: boolean } = {}): void {
  const middle = (span.start + span.end) / 2;
  const half = Math.min(RANGE_SECONDS_MAX, Math.max(RANGE_SECONDS_MIN, span.end - span.start)) / 2;
  const start = Math.max(0, Math.round(middle - half));
  const end = Math.round(middle + half);
  change({ last: null, start: String(start), end: String(end) }, options);
}

/** Sets a range relative to now, such as `1h`. */
export function setLast(last: string, options: { replace?: boolean } = {}): void {
  touchMoment();
  change({ last: last === DEFAULT_LAST ? null : last, start: null, end: null }, options);
}

function change(params: Record<string, string | null>, options: { replace?: boolean }): void {
  if (!options.replace) {
    undone.push(currentPlace().query);
    if (undone.length > UNDO_MAX) undone.shift();
  }
  setParams(params, options);
}

/** Goes back to the range before the last change; false when there is none. */
export function undoRange(): boolean {
  const query = undone.pop();
  if (query === undefined) return false;
  const params = new URLSearchParams(query);
  setParams({
    last: params.get("last"),
    start: params.get("start"),
    end: params.get("end"),
  });
  return true;
}

/** The range moved by parts of its own width: -1 is the one before. */
export function shifted(span: Span, parts: number): Span {
  const by = Math.round((span.end - span.start) * parts);
  return { start: span.start + by, end: span.end + by };
}

/** The range twice as wide about its middle, but not past `now`. */
export function zoomedOut(span: Span, now: number): Span {
  const width = Math.min(RANGE_SECONDS_MAX, (span.end - span.start) * 2);
  const end = Math.min(Math.max(Math.ceil(now / 60) * 60, span.end), span.end + width / 4);
  return { start: Math.round(end - width), end: Math.round(end) };
}

/** The range just before, as wide as this one, to compare with. */
export const previousOf = (span: Span): Span => shifted(span, -1);

/** What the range before is called, as in "previous hour". */
export function previousName({ start, end }: Span): string {
  const seconds = end - start;
  const units: [seconds: number, name: string][] = [
    [604_800, "week"],
    [86_400, "day"],
    [3600, "hour"],
    [60, "minute"],
  ];
  const [width, name] = units.find(([unit]) => seconds % unit === 0) ?? [60, "minute"];
  const many = Math.round(seconds / width);
  return many === 1 ? `previous ${name}` : `previous ${many} ${name}s`;
}

/** Whether the page compares with the time before, what that is, and what it is called. */
export function useCompare(): { on: boolean; span: Span; label: string; toggle: () => void } {
  const [value, set] = useUrlParam("compare");
  const { start, end } = useRange();
  const span = useMemo(() => previousOf({ start, end }), [start, end]);
  const on = value === "previous";
  const label = previousName({ start, end });
  return { on, span, label, toggle: () => set(on ? null : "previous") };
}

/** The present range as the address of a link that others see the same at. */
export function permalink(range: Span): string {
  const params = new URLSearchParams(currentPlace().query);
  params.delete("last");
  params.delete("refresh");
  params.set("start", String(range.start));
  params.set("end", String(range.end));
  params.set("zone", currentZone());
  return `${window.location.origin}${currentPlace().path}?${params}`;
}

/** The range as it is now, outside of components. */
export function currentRange(): Range {
  return rangeOf(currentPlace().query, currentMoment(), currentZone());
}
