import type { Extent } from "../api/health";
import { type Answer, column } from "../api/types";
import type { Span } from "../state/range";

/** Days that the brush shows, and about how many bars. */
export const BRUSH_SPAN_S = 7 * 86_400;
export const BARS = 336;
const STEPS = [60, 300, 900, 1800, 3600, 7200, 21_600, 86_400];
const DAY_S = 86_400;
/** The narrowest window that one can drag to, in bars. */
const WINDOW_BARS_MIN = 1;

/** What the brush covers and how wide a bar is. */
export interface Domain extends Span {
  step: number;
}

/** The time that the brush covers: a week up to now, or what the table has. */
export function domainOf(range: Span, extent: Extent | undefined, now: number): Domain {
  const old = extent !== undefined && extent.last < now - DAY_S;
  const until = Math.max(range.end, old ? extent.last + 1 : now);
  const from = Math.max(until - BRUSH_SPAN_S, extent ? extent.first : 0);
  const start = Math.min(range.start, from, until - 3600);
  const step = STEPS.find((width) => (until - start) / width <= BARS + 1) ?? DAY_S;
  return { start: Math.floor(start / step) * step, end: Math.ceil(until / step) * step, step };
}

/** What a drag moves. */
export type Grip = "start" | "end" | "window" | "new";

/** The window after a drag from `from` to `to`, within the domain, on whole steps. */
export function dragged(grip: Grip, window: Span, from: number, to: number, domain: Domain): Span {
  const at = clamp(snap(to, domain), domain);
  if (grip === "start") return { start: Math.min(at, window.end - least(domain)), end: window.end };
  if (grip === "end")
    return { start: window.start, end: Math.max(at, window.start + least(domain)) };
  if (grip === "window") return moved(window, snapBy(to - from, domain), domain);
  const other = clamp(snap(from, domain), domain);
  const start = Math.min(at, other);
  return { start, end: Math.max(at, other, start + least(domain)) };
}

/** The window moved, without leaving the domain. */
export function moved(window: Span, by: number, domain: Domain): Span {
  const width = window.end - window.start;
  const start = Math.min(Math.max(window.start + by, domain.start), domain.end - width);
  return { start, end: start + width };
}

/** Where a key moves a handle: arrows by a bar, with Shift by six, Page by a day, Home and End. */
export function keyed(
  grip: "start" | "end" | "window",
  key: string,
  shift: boolean,
  window: Span,
  domain: Domain,
): Span | undefined {
  const bar = domain.step * (shift ? 6 : 1);
  const moves: Record<string, number> = {
    ArrowLeft: -bar,
    ArrowDown: -bar,
    ArrowRight: bar,
    ArrowUp: bar,
    PageDown: -DAY_S,
    PageUp: DAY_S,
    Home: domain.start - domain.end,
    End: domain.end - domain.start,
  };
  const by = moves[key];
  if (by === undefined) return undefined;
  if (grip === "window") return moved(window, by, domain);
  const from = window[grip];
  return dragged(grip, window, from, from + by, domain);
}

function least(domain: Domain): number {
  return domain.step * WINDOW_BARS_MIN;
}

function snap(moment: number, domain: Domain): number {
  return Math.round(moment / domain.step) * domain.step;
}

function snapBy(by: number, domain: Domain): number {
  return Math.round(by / domain.step) * domain.step;
}

function clamp(moment: number, domain: Domain): number {
  return Math.min(domain.end, Math.max(domain.start, moment));
}

/** One bar: records that start in its time. */
export interface Bar {
  time: number;
  accepted: number;
  rejected: number;
}

/** The bars of an answer of the question traffic, whose rows are intervals by class. */
export function barsOf(answer: Answer | undefined): Bar[] {
  const times = column(answer, "time");
  const classes = column(answer, "class");
  const records = column(answer, "records");
  const bars = new Map<number, Bar>();
  for (let row = 0; row < times.length; row += 1) {
    const time = Number(times[row]);
    const bar = bars.get(time) ?? { time, accepted: 0, rejected: 0 };
    bar[classes[row] === "rejected" ? "rejected" : "accepted"] += Number(records[row] ?? 0);
    bars.set(time, bar);
  }
  return [...bars.values()];
}

/** The paths of accepted and rejected bars in a box of `width` by `height`, rejected on top. */
export function barPaths(
  bars: Bar[],
  domain: Domain,
  width: number,
  height: number,
): { accepted: string; rejected: string } {
  const most = Math.max(1, ...bars.map((bar) => bar.accepted + bar.rejected));
  const scale = (value: number) => (value / most) * height;
  const perSecond = width / (domain.end - domain.start);
  const wide = (domain.step * perSecond * 0.78).toFixed(2);
  let accepted = "";
  let rejected = "";
  for (const bar of bars) {
    const x = ((bar.time - domain.start) * perSecond).toFixed(2);
    const low = scale(bar.accepted);
    // A sliver of red is what one looks for: it is never thinner than a pixel.
    const high = bar.rejected > 0 ? Math.max(1, scale(bar.rejected)) : 0;
    if (low > 0) accepted += `M${x} 64h${wide}v${(-low).toFixed(2)}h-${wide}z`;
    if (high > 0)
      rejected += `M${x} ${(64 - low).toFixed(2)}h${wide}v${(-high).toFixed(2)}h-${wide}z`;
  }
  return { accepted, rejected };
}
