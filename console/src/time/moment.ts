import { parseLast } from "../state/range";

const WRITTEN = /^(\d{4})-(\d{2})-(\d{2})(?:[ T](\d{2}):(\d{2})(?::(\d{2}))?)?(Z)?$/;

/**
 * A moment as people write it: `2026-11-27 14:00`, `now`, `-90m`, or seconds since the epoch.
 * Units: seconds since the epoch; undefined when it is none.
 */
export function parseMoment(text: string, zone: string, now: number): number | undefined {
  const word = text.trim();
  if (word === "now") return Math.floor(now);
  if (/^\d{9,11}$/.test(word)) return Number(word);
  if (word.startsWith("-")) {
    const ago = parseLast(word.slice(1));
    return ago === undefined ? undefined : Math.floor(now) - ago;
  }
  const match = WRITTEN.exec(word);
  if (!match) return undefined;
  const [year, month, day, hour, minute, second] = match
    .slice(1, 7)
    .map((part) => Number(part ?? 0)) as [number, number, number, number, number, number];
  const utc = Date.UTC(year, month - 1, day, hour, minute, second) / 1000;
  const rightDay = new Date(utc * 1000).getUTCDate() === day && month >= 1 && month <= 12;
  if (!rightDay || hour > 23 || minute > 59 || second > 59) return undefined;
  if (zone === "utc" || match[7]) return utc;
  // Twice, since the offset at the first guess may be the other side of a clock change.
  const guess = utc - offsetOf(zone, utc);
  return utc - offsetOf(zone, guess);
}

/** How far a zone is ahead of UTC at a moment, in seconds. */
function offsetOf(zone: string, moment: number): number {
  const parts = new Intl.DateTimeFormat("en-US", {
    timeZone: zone === "local" ? undefined : zone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  }).formatToParts(moment * 1000);
  const read = (type: string) => Number(parts.find((part) => part.type === type)?.value ?? 0);
  const there = Date.UTC(
    read("year"),
    read("month") - 1,
    read("day"),
    read("hour"),
    read("minute"),
    read("second"),
  );
  return there / 1000 - Math.floor(moment);
}
