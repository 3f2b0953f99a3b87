import type { Answer, AnswerColumn } from "../../api/types";
import { formatValue, serviceOf } from "../../time/format";

/** Rows that are looked at, and bounds of a column that nobody dragged. Units: CSS pixels. */
const ROWS_SEEN = 200;
const WIDTH_MIN = 64;
const WIDTH_MAX = 340;
const PADDING = 22;
const MONO = 7.4;
const PLAIN = 6.9;
/** A whole time, with its date. */
const TIME = 166;
const HEAD = 6.6;
const ARROW = 16;
/** Longer heads are cut and have a tooltip. */
const HEAD_MAX = 84;
/** The part of the rows that a column fits. */
const MOST = 0.88;

const IN_MONO = new Set(["address", "port", "rule"]);

/** Widths that most of the first rows fit in: one long address makes no column wide. */
export function fittedWidths(
  answer: Answer,
  columns: readonly AnswerColumn[],
): Record<string, number> {
  const widths: Record<string, number> = {};
  for (const column of columns) {
    if (column.kind === "time") {
      widths[column.name] = TIME;
      continue;
    }
    const values = answer.data[column.name] ?? [];
    const needs: number[] = [];
    for (let row = 0; row < Math.min(answer.rows, ROWS_SEEN); row += 1) {
      const value = values[row] ?? null;
      const text = formatValue(column.kind, value);
      const name = nameOf(answer, column.kind, value);
      const letter = IN_MONO.has(column.kind) || name ? MONO : PLAIN;
      needs.push(text.length * letter + (name ? name.length * HEAD + 8 : 0));
    }
    needs.sort((a, b) => a - b);
    const most = needs[Math.floor(needs.length * MOST)] ?? 0;
    const head = Math.min(HEAD_MAX, (column.label || column.name).length * HEAD + ARROW);
    const width = Math.max(most, head) + PADDING;
    widths[column.name] = Math.round(Math.min(WIDTH_MAX, Math.max(WIDTH_MIN, width)));
  }
  return widths;
}

function nameOf(answer: Answer, kind: string, value: unknown): string {
  if (typeof value === "string") return answer.names[value]?.name ?? "";
  return kind === "port" && typeof value === "number" ? (serviceOf(value) ?? "") : "";
}
