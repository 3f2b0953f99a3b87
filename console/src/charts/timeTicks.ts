/** Where the marks of a time axis stand, on whole hours and days of the zone. */
import { formatTime } from "../time/format";
import { clockText, dayText, offsetOf } from "./format";

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86_400;
const STEPS = [
  ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE),
  ...[1, 2, 3, 4, 6, 12].map((n) => n * HOUR),
  ...[1, 2, 7, 14, 28, 91].map((n) => n * DAY),
];

export interface Tick {
  time_s: number;
  label: string;
}

/** Ticks within [start, end], about `wanted` of them. */
export function timeTicks(start_s: number, end_s: number, wanted: number, zone: string): Tick[] {
  const span = end_s - start_s;
  if (!(span > 0) || wanted < 1) return [];
  const step = STEPS.find((size) => span / size <= wanted) ?? STEPS[STEPS.length - 1] ?? DAY;
  const ticks: Tick[] = [];
  let wall = Math.ceil((start_s + offsetOf(start_s, zone)) / step) * step;
  for (; ; wall += step) {
    // The offset at the tick, not at the start: a clock change may lie between.
    const near = wall - offsetOf(start_s, zone);
    const time_s = wall - offsetOf(near, zone);
    if (time_s > end_s) return ticks;
    if (time_s >= start_s) ticks.push({ time_s, label: tickLabel(time_s, wall, step, zone) });
  }
}

function tickLabel(time_s: number, wall: number, step: number, zone: string): string {
  if (step > 28 * DAY) return formatTime(time_s, zone, "month");
  if (step > DAY * 2) return formatTime(time_s, zone, "day");
  if (step >= DAY || wall % DAY === 0) return dayText(time_s, zone);
  return clockText(time_s, zone);
}
