/** Numbers and times as the charts write them. */
import { formatBytes, formatCount, formatRatio, formatValue, zoneName } from "../time/format";
import type { Kind } from "./answer";

const BYTES = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];
const COUNTS = ["", "k", "M", "B", "T"];

function scaled(value: number, units: string[], gap: string): string {
  let left = value;
  let step = 0;
  while (Math.abs(left) >= 999.5 && step < units.length - 1) {
    left /= 1000;
    step += 1;
  }
  const unit = units[step] ?? "";
  return Number(left.toPrecision(3)) + (unit ? gap + unit : "");
}

export const bytesText = formatBytes;
export const countText = formatCount;
export const shareText = formatRatio;

/** A value of a measure. */
export const measureText = (value: number, kind: Kind): string => formatValue(kind, value);

/** A value at an axis: no more digits than it needs, `30 GB` and not `30.0 GB`. */
export function axisText(value: number, kind: Kind): string {
  if (kind === "bytes") return scaled(value, BYTES, " ");
  if (kind === "count" || kind === "packets") return scaled(value, COUNTS, "");
  if (kind === "microseconds" || kind === "duration")
    return measureText(value, kind).replace(/\.0+(?=\D|$)/, "");
  if (kind === "ratio") return `${Number((value * 100).toPrecision(3))}%`;
  return measureText(value, kind);
}

/** A value and its unit apart, for figures that set the unit smaller. */
export function measureParts(value: number, kind: Kind): { text: string; unit: string } {
  const match = /^([−\-<>]?[\d.,]+)\s?(.*)$/.exec(measureText(value, kind));
  return { text: match?.[1] ?? measureText(value, kind), unit: match?.[2] ?? "" };
}

type Parts = { weekday: string; day: string; month: string; hour: string; minute: string };

const formatters = new Map<string, Intl.DateTimeFormat>();

function formatterOf(zone: string): Intl.DateTimeFormat {
  const known = formatters.get(zone);
  if (known) return known;
  const made = new Intl.DateTimeFormat("en-GB", {
    timeZone: zone === "local" ? undefined : zone === "utc" ? "UTC" : zone,
    hourCycle: "h23",
    weekday: "short",
    day: "2-digit",
    month: "short",
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  });
  formatters.set(zone, made);
  return made;
}

function partsOf(time_s: number, zone: string): Parts & { year: string; second: string } {
  const found: Record<string, string> = {};
  for (const part of formatterOf(zone).formatToParts(time_s * 1000)) found[part.type] = part.value;
  return found as unknown as Parts & { year: string; second: string };
}

const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

/** Seconds to add to UTC to get the wall clock of a zone at that time. */
export function offsetOf(time_s: number, zone: string): number {
  if (zone === "utc") return 0;
  const at = partsOf(time_s, zone);
  const month = MONTHS.findIndex((name) => at.month.startsWith(name));
  const wall = Date.UTC(+at.year, month, +at.day, +at.hour, +at.minute, +at.second) / 1000;
  return Math.round(wall - Math.floor(time_s));
}

export function clockText(time_s: number, zone: string): string {
  const at = partsOf(time_s, zone);
  return `${at.hour}:${at.minute}`;
}

export function dayText(time_s: number, zone: string): string {
  const at = partsOf(time_s, zone);
  return `${at.weekday} ${at.day}`;
}

/** `Wed 14 Oct, 10:05`, with seconds when they are not zero. */
export function instantText(time_s: number, zone: string): string {
  const at = partsOf(time_s, zone);
  const seconds = at.second === "00" ? "" : `:${at.second}`;
  return `${at.weekday} ${at.day} ${at.month}, ${at.hour}:${at.minute}${seconds}`;
}

/** What the zone is called at that time: CET in winter, CEST in summer. */
export const zoneText = (zone: string, time_s: number): string => zoneName(zone, time_s);
