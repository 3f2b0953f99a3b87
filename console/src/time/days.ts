import type { Span } from "../state/range";
import { formatTime } from "./format";

const HOUR_S = 3600;

const DAY_S = 86_400;
/** Every zone's midnight is on a quarter of an hour of UTC. */
const QUARTER_S = 900;

interface Mark {
  at: number;
  label: string;
}

/** Where days begin in a zone, with their names; hours where there is less than two days. */
export function dayMarks(span: Span, zone: string, most: number): Mark[] {
  const wide = span.end - span.start;
  if (wide < 2 * DAY_S) return hourMarks(span, zone, most);
  const days = Math.max(1, Math.ceil(wide / DAY_S / most));
  const parts = wide > 300 * DAY_S ? "month" : wide > 40 * DAY_S ? "day" : "weekday";
  const marks: Mark[] = [];
  for (let at = dayStart(span.start, zone); at < span.end; at = dayStart(at, zone, days)) {
    if (at >= span.start) marks.push({ at, label: formatTime(at, zone, parts) });
  }
  return marks;
}

/** The first moment of the day that begins `days` after the one of `moment`. */
function dayStart(moment: number, zone: string, days = 0): number {
  // Noon is the same day whether clocks change in the night or not.
  let at = Math.floor((moment + days * DAY_S + (days ? DAY_S / 2 : 0)) / QUARTER_S) * QUARTER_S;
  const day = formatTime(at, zone, "day");
  // By the wall clock to just after midnight, then by quarters to where the day changes.
  at -= Math.max(0, Number(formatTime(at, zone, "axis").slice(0, 2)) - 1) * HOUR_S;
  while (formatTime(at, zone, "day") !== day) at += QUARTER_S;
  while (formatTime(at - QUARTER_S, zone, "day") === day) at -= QUARTER_S;
  return at;
}

function hourMarks(span: Span, zone: string, most: number): Mark[] {
  const marks: Mark[] = [];
  const every = Math.max(1, Math.ceil((span.end - span.start) / HOUR_S / most));
  for (let at = Math.ceil(span.start / QUARTER_S) * QUARTER_S; at < span.end; at += QUARTER_S) {
    const time = formatTime(at, zone, "axis");
    const hour = time.endsWith(":00") && Number(time.slice(0, 2)) % every === 0;
    if (time === "00:00") marks.push({ at, label: formatTime(at, zone, "weekday") });
    else if (hour) marks.push({ at, label: time });
  }
  const skip = Math.max(1, Math.ceil(marks.length / most));
  return marks.filter((_, index) => index % skip === 0);
}
