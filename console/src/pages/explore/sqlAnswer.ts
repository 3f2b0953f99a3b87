import type { Answer } from "../../api/types";

/** Moments between 2001 and 2100. Units: epoch seconds. */
const MOMENTS = [978_307_200, 4_102_444_800] as const;
const NAMES = /^(time|at|start|end|moment|minute|hour|day|bin|first|last|.*_(s|at|time))$/i;

/** An answer whose columns of moments are of kind time: `time_bin` gives plain numbers. */
export function withTimes(answer: Answer): Answer {
  let changed = false;
  const columns = answer.columns.map((column) => {
    if (column.kind !== "count" || !NAMES.test(column.name)) return column;
    if (!isMoments(answer.data[column.name] ?? [])) return column;
    changed = true;
    return { ...column, kind: "time" as const };
  });
  return changed ? { ...answer, columns } : answer;
}

function isMoments(values: ArrayLike<unknown>): boolean {
  let seen = false;
  for (let row = 0; row < values.length; row += 1) {
    const value = values[row];
    if (value === null || value === undefined) continue;
    if (typeof value !== "number" || value < MOMENTS[0] || value > MOMENTS[1]) return false;
    seen = true;
  }
  return seen;
}

const MEASURES = new Set(["count", "bytes", "packets", "ratio", "duration", "microseconds"]);

/** The charts that fit an answer: over time, or of names; none when it has no measure. */
export function chartsOf(answer: Answer): { value: string; label: string }[] {
  if (!answer.columns.some(({ kind }) => MEASURES.has(kind))) return [];
  if (answer.columns.some(({ kind }) => kind === "time")) {
    return [
      { value: "area", label: "Area" },
      { value: "line", label: "Line" },
      { value: "bars", label: "Bars" },
    ];
  }
  if (answer.columns.some(({ kind }) => !MEASURES.has(kind))) {
    return [
      { value: "bars", label: "Bars" },
      { value: "pie", label: "Shares" },
    ];
  }
  return [];
}

/** Names of the columns that a chart can measure. */
export function measuresOf(answer: Answer): { value: string; label: string }[] {
  return answer.columns
    .filter(({ kind }) => MEASURES.has(kind))
    .map(({ name, label }) => ({ value: name, label: label || name }));
}

/** The UTF-16 place of a character that the server counted in code points. */
export function placeOf(text: string, position: number): number {
  let place = 0;
  let count = 0;
  for (const letter of text) {
    if (count >= position) break;
    place += letter.length;
    count += 1;
  }
  return place;
}
