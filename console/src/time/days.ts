import type { Span } from "../state/range";
import { formatTime } from "./format";

const HOUR_S = 3600;

/** Where days begin in a zone, with their names; hours where there is less than two days. */
export function dayMarks(span: Span, zone: string, most: number): { at: number; label: string }[] {
  const wide = span.end - span.start;
  const marks: { at: number; label: string }[] = [];
  // Every zone's midnight is on a quarter of an hour of UTC.
  const step = wide > 40 * 86_400 ? HOUR_S : 900;
  const every = wide < 2 * 86_400 ? Math.max(1, Math.ceil(wide / HOUR_S / most)) : 0;
  for (let at = Math.ceil(span.start / step) * step; at < span.end; at += step) {
    const time = formatTime(at, zone, "axis");
    const midnight = time === "00:00";
    const hour = every > 0 && time.endsWith(":00") && Number(time.slice(0, 2)) % every === 0;
    if (midnight) marks.push({ at, label: formatTime(at, zone, "weekday") });
    else if (hour) marks.push({ at, label: time });
  }
  const skip = Math.max(1, Math.ceil(marks.length / most));
  return marks.filter((_, index) => index % skip === 0);
}
