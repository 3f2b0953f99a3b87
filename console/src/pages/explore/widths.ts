import type { Answer, AnswerColumn } from "../../api/types";
import { formatValue, serviceOf } from "../../time/format";

/** Rows that are looked at, and bounds of a column that nobody dragged. Units: CSS pixels. */
const ROWS_SEEN = 200;
const WIDTH_MIN = 64;
const WIDTH_MAX = 340;
const PADDING = 22;
const MONO = 7.4;
const PLAIN = 6.9;
const HEAD = 6.6;
const ARROW = 16;

const IN_MONO = new Set(["address", "port", "rule"]);

/** Widths that fit what the first rows hold. */
export function fittedWidths(
  answer: Answer,
  columns: readonly AnswerColumn[],
): Record<string, number> {
  const widths: Record<string, number> = {};
  for (const column of columns) {
    const values = answer.data[column.name] ?? [];
    const rows = Math.min(answer.rows, ROWS_SEEN);
    let most = (column.label || column.name).length * HEAD + ARROW;
    for (let row = 0; row < rows; row += 1) {
      const value = values[row] ?? null;
      const text = formatValue(column.kind, value);
      const name = nameOf(answer, column.kind, value);
      const letter = IN_MONO.has(column.kind) || name ? MONO : PLAIN;
      most = Math.max(most, text.length * letter + (name ? name.length * HEAD + 8 : 0));
    }
    widths[column.name] = Math.round(Math.min(WIDTH_MAX, Math.max(WIDTH_MIN, most + PADDING)));
  }
  return widths;
}

function nameOf(answer: Answer, kind: string, value: unknown): string {
  if (typeof value === "string") return answer.names[value]?.name ?? "";
  return kind === "port" && typeof value === "number" ? (serviceOf(value) ?? "") : "";
}
