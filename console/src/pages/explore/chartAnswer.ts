import type { Answer, AnswerColumn, Cell } from "../../api/types";
import { formatValue } from "../../time/format";

/** What stands between the values of a group that has several. */
const BETWEEN = " · ";

/** A breakdown as bars draw it: without what the listed groups leave. */
export function withoutOthers(answer: Answer): Answer {
  const others = answer.data.is_other;
  if (!others) return answer;
  const kept = Array.from({ length: answer.rows }, (_, row) => row).filter((row) => !others[row]);
  const data = Object.fromEntries(
    Object.entries(answer.data).map(([name, values]) => [
      name,
      kept.map((row) => values[row] ?? null),
    ]),
  );
  return { ...answer, rows: kept.length, data };
}

/** A breakdown as charts draw it: one text column names each group, the rest is "other". */
export function chartAnswer(answer: Answer, keys: readonly string[]): Answer {
  const name = keys.length === 1 ? (keys[0] ?? "group") : "group";
  const others = answer.data.is_other ?? [];
  const own = keys.map((key) => answer.data[key] ?? []);
  const kinds = keys.map((key) => answer.columns.find((one) => one.name === key)?.kind);
  const names: Cell[] = Array.from({ length: answer.rows }, (_, row) => {
    if (others[row]) return "other";
    if (own.length === 1) return textOf(own[0]?.[row], kinds[0] ?? "");
    return own.map((values, at) => nameOf(answer, values[row], kinds[at] ?? "")).join(BETWEEN);
  });
  const group: AnswerColumn = {
    name,
    kind: answer.columns.find((one) => one.name === name)?.kind === "address" ? "address" : "text",
    label: keys.join(", "),
    quiet: false,
  };
  const rest = answer.columns.filter((one) => !keys.includes(one.name) && one.name !== "is_other");
  const time = rest.filter(({ kind }) => kind === "time");
  const measures = rest.filter(({ kind }) => kind !== "time");
  return {
    ...answer,
    columns: [...time, group, ...measures],
    data: { ...answer.data, [name]: names },
  };
}

function textOf(value: Cell | undefined, kind: string): Cell {
  if (value === null || value === undefined) return null;
  return kind === "protocol" ? formatValue(kind, value) : String(value);
}

function nameOf(answer: Answer, value: Cell | undefined, kind: string): string {
  const text = textOf(value, kind);
  if (text === null) return "none";
  return answer.names[String(value)]?.name || String(text);
}
