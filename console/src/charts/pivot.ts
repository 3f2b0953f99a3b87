/** From the rows of an answer to the series and bars of a chart. */

import { formatValue, serviceOf } from "../time/format";
import type { Answer, ColumnMeta, Kind, Pick, Value } from "./answer";
import { isMeasure } from "./answer";
import type { BarRow } from "./Bars";
import { isRejected } from "./colours";
import type { TimeSeries } from "./timeSeries";

const TCP = 6;
const SUMS: ReadonlySet<string> = new Set(["bytes", "packets", "records"]);

/** The column of times, if an answer is about time. */
export const timeColumn = (answer: Answer): ColumnMeta | undefined =>
  answer.columns.find((column) => column.kind === "time");

/** The column that rows are split by: the first that is neither time nor a measure. */
export const splitColumn = (answer: Answer): ColumnMeta | undefined =>
  answer.columns.find((column) => column.kind !== "time" && !isMeasure(column.kind));

/** The measure of a name, else the first one that is not quiet. */
export function measureColumn(answer: Answer, wanted?: string): ColumnMeta | undefined {
  const named = wanted ? answer.meta(wanted) : undefined;
  if (named && isMeasure(named.kind)) return named;
  const all = answer.columns.filter((column) => isMeasure(column.kind));
  return all.find((column) => !column.quiet) ?? all[0];
}

export interface TimeRange {
  start_s: number;
  end_s: number;
  interval_s: number;
}

/** More intervals than this are not filled; the server bins to fewer. */
const INTERVALS_MAX = 20_000;

/** The range of an answer: what it says, else what its times tell. */
export function rangeOf(answer: Answer, time: ColumnMeta): TimeRange | null {
  const times = [...new Set(answer.column(time.name))]
    .filter((value): value is number => typeof value === "number")
    .sort((one, other) => one - other);
  const first = times[0];
  if (first === undefined) return null;
  const said = answer.frame.time;
  const interval_s = said?.interval_s || leastStep(times);
  const last = times[times.length - 1] ?? first;
  // Starts of intervals are multiples of the interval; the range asked for need not be.
  const phase = ((first % interval_s) + interval_s) % interval_s;
  const start_s = Math.min(first, alignedFloor(said?.start_s ?? first, interval_s, phase));
  const end_s = Math.max(last + interval_s, said?.end_s ?? 0);
  if ((end_s - start_s) / interval_s > INTERVALS_MAX)
    return { start_s: first, end_s: last + interval_s, interval_s };
  return { start_s, end_s, interval_s };
}

const alignedFloor = (time_s: number, interval_s: number, phase: number): number =>
  Math.floor((time_s - phase) / interval_s) * interval_s + phase;

function leastStep(times: readonly number[]): number {
  let least = Infinity;
  for (let at = 1; at < times.length; at += 1)
    least = Math.min(least, (times[at] ?? 0) - (times[at - 1] ?? 0));
  return Number.isFinite(least) && least > 0 ? least : 60;
}

export interface PivotOptions {
  measure?: string;
  /** Column to split by; null for none; by default the first that is neither time nor measure. */
  split?: string | null;
  /** How many series are kept; the others are summed as "other". */
  top?: number;
}

export interface Pivot {
  times: number[];
  interval_s: number;
  /** In stack order: the smallest matter least, rejected on top. */
  series: TimeSeries[];
  measure: ColumnMeta;
  split: ColumnMeta | undefined;
}

const SUMMED: ReadonlySet<Kind> = new Set(["bytes", "count", "packets"]);

/** Rows of time, split and measure as series without holes; null when the answer has no time. */
export function pivotOf(answer: Answer, options: PivotOptions = {}): Pivot | null {
  const time = timeColumn(answer);
  const measure = measureColumn(answer, options.measure);
  if (!time || !measure) return null;
  const range = rangeOf(answer, time);
  if (!range) return null;
  const { start_s, end_s, interval_s } = range;
  const length = Math.max(1, Math.ceil((end_s - start_s) / interval_s - 1e-9));
  const times = Array.from({ length }, (_, at) => start_s + at * interval_s);
  const split =
    options.split === null
      ? undefined
      : options.split
        ? answer.meta(options.split)
        : splitColumn(answer);
  const lines = linesOf(answer, { time, measure, split }, range, length);
  const series = stackOrder(topOf(lines, options.top ?? 8, SUMMED.has(measure.kind)));
  return { times, interval_s, series, measure, split };
}

interface Columns {
  time: ColumnMeta;
  measure: ColumnMeta;
  split: ColumnMeta | undefined;
}

function linesOf(answer: Answer, columns: Columns, range: TimeRange, length: number): TimeSeries[] {
  const times = answer.column(columns.time.name);
  const values = answer.column(columns.measure.name);
  const splits = columns.split ? answer.column(columns.split.name) : null;
  // What is summed was zero where there is no row; other measures are unknown there.
  const hole = SUMMED.has(columns.measure.kind) ? 0 : null;
  const lines = new Map<string, { raw: Value; values: (number | null)[] }>();
  for (let row = 0; row < answer.rows; row += 1) {
    const time = times[row];
    if (typeof time !== "number") continue;
    const at = Math.floor((time - range.start_s) / range.interval_s);
    if (at < 0 || at >= length) continue;
    const raw = splits?.[row] ?? null;
    const name = splits ? nameText(answer, raw, columns.split) : columns.measure.label;
    let line = lines.get(name);
    if (!line) {
      line = { raw, values: new Array<number | null>(length).fill(hole) };
      lines.set(name, line);
    }
    const value = values[row];
    if (typeof value === "number") line.values[at] = (line.values[at] ?? 0) + value;
  }
  return [...lines].map(([name, line]) => ({
    name,
    values: line.values,
    pick: columns.split ? pickOf(columns.split, line.raw) : undefined,
  }));
}

const WORDS: Record<string, string> = {
  ACCEPT: "Accepted",
  REJECT: "Rejected",
  internal: "Internal",
  ingress: "Ingress",
  egress: "Egress",
  rejected: "Rejected",
  other: "Other",
};

/** The ways of AWS's traffic-path, by their numbers. */
const PATHS: Record<string, string> = {
  1: "same VPC",
  2: "internet gateway or gateway endpoint",
  3: "virtual private gateway",
  4: "peering in the region",
  5: "peering between regions",
  6: "local gateway",
  7: "gateway endpoint",
  8: "internet gateway",
};

/** A value as people read it: its name where there is one. */
export function nameText(answer: Answer, value: Value, column?: ColumnMeta): string {
  if (value === null || value === "") return "unknown";
  const text = column?.name === "protocol" ? formatValue("protocol", Number(value)) : String(value);
  return answer.nameOf(value)?.name || WORDS[text] || text;
}

/** The filter of a value of a column; none for a null. */
export function pickOf(column: ColumnMeta, value: Value): Pick | undefined {
  return value === null ? undefined : { field: column.name, value };
}

const total = (line: TimeSeries): number =>
  line.values.reduce<number>((sum, value) => sum + (value ?? 0), 0);

/** The largest series; the others become one, "other", when they can be summed. */
export function topOf(lines: readonly TimeSeries[], top: number, summed: boolean): TimeSeries[] {
  const order = [...lines].sort((one, other) => total(other) - total(one));
  const red = order.filter((line) => isRejected(line.name));
  const plain = order.filter((line) => !isRejected(line.name));
  if (plain.length <= top) return [...plain, ...red];
  const kept = plain.slice(0, top);
  if (!summed) return [...kept, ...red];
  const rest = plain.slice(top);
  const values = (rest[0]?.values ?? []).map((_, at) =>
    rest.reduce((sum, line) => sum + (line.values[at] ?? 0), 0),
  );
  const known = kept.find((line) => line.name.toLowerCase() === "other");
  if (known) {
    const both = values.map((value, at) => value + (known.values[at] ?? 0));
    return [...kept.filter((line) => line !== known), { name: "other", values: both }, ...red];
  }
  return [...kept, { name: "other", values, label: `other (${rest.length})` }, ...red];
}

const RANK: Record<string, number> = { other: 0, unknown: 0, internal: 1, ingress: 3, egress: 4 };

/** "other" and internal traffic at the bottom, rejected on top, the rest by name between. */
export function stackOrder(lines: readonly TimeSeries[]): TimeSeries[] {
  const rank = (line: TimeSeries) =>
    isRejected(line.name) ? 9 : (RANK[line.name.toLowerCase()] ?? 2);
  return [...lines].sort((one, other) => rank(one) - rank(other) || total(other) - total(one));
}

export interface BarOptions {
  measure?: string;
  top?: number;
  /** Column to name the rows by. */
  split?: string | null;
}

/** The rows of an answer as bars: the first key columns name them. */
export function barsOf(
  answer: Answer,
  options: BarOptions = {},
): { rows: BarRow[]; measure: ColumnMeta } | null {
  const measure = measureColumn(answer, options.measure);
  const keys = options.split
    ? answer.columns.filter((column) => column.name === options.split)
    : keyColumns(answer).filter((key, _, all) => all.length === 1 || key.name !== "account_id");
  if (!measure || keys.length === 0) return null;
  // Rejected records are of few bytes: their share of the records says nothing of bytes.
  const rejected = measure.name === "records" ? "rejected" : `rejected_${measure.name}`;
  const all = isAllRejected(answer) || answer.has("pick_filter");
  const rows: BarRow[] = [];
  for (let row = 0; row < answer.rows; row += 1) {
    const amount = Number(answer.value(measure.name, row) ?? 0);
    const red = answer.has(rejected)
      ? Number(answer.value(rejected, row) ?? 0)
      : allOrNone(answer, row, amount);
    rows.push({ ...barNames(answer, keys, row), amount, rejected: all ? amount : red });
  }
  rows.sort((one, other) => other.amount - one.amount);
  return { rows: rows.slice(0, options.top ?? 10), measure };
}

/** Keys of a row: columns before the first measure. */
function keyColumns(answer: Answer): ColumnMeta[] {
  // Fields that are numbers, such as the traffic path, may name rows; sums stand behind them.
  const sum = answer.columns.findIndex((column) => SUMS.has(column.name));
  const first = sum > 0 ? sum : answer.columns.findIndex((column) => isMeasure(column.kind));
  const before = answer.columns.slice(0, first < 0 ? undefined : first);
  const keys = before.filter((column) => column.kind !== "time");
  const words = keys.filter((column) => !isMeasure(column.kind));
  return keys.length > 0
    ? words.length > 0
      ? words
      : keys
    : answer.columns.filter((c) => !isMeasure(c.kind) && c.kind !== "time");
}

/** Where bytes of rejected records are not told apart, red is said only of all or none. */
function allOrNone(answer: Answer, row: number, amount: number): number | undefined {
  const records = Number(answer.value("records", row) ?? 0);
  const red = Number(answer.value("rejected", row) ?? 0);
  return records > 0 && red >= records ? amount : undefined;
}

/** Answers of the question "rejects" have no column of rejects: all of it is. */
const isAllRejected = (answer: Answer): boolean =>
  !answer.has("rejected") &&
  answer.has("first_seen") &&
  answer.columns.some((c) => c.name.startsWith("top_"));

/** The key that names a row: a port or an address that is known, else the first known one. */
function mainKey(answer: Answer, keys: readonly ColumnMeta[], row: number): ColumnMeta | undefined {
  const has = keys.filter((key) => answer.value(key.name, row) !== null);
  // What has no ports, such as ICMP, is stored with port 0.
  const known = has.filter((key) => key.kind !== "port" || answer.value(key.name, row) !== 0);
  const of = (kind: Kind) => known.find((key) => key.kind === kind);
  const interfaceId = known.find((key) => key.name === "interface_id");
  return of("port") ?? of("address") ?? interfaceId ?? known[0] ?? keys[0];
}

const shownText = (column: ColumnMeta | undefined, value: Value): string =>
  WORDS[String(value)] ??
  (column?.kind === "protocol" ? formatValue("protocol", value) : String(value));

const serviceName = (column: ColumnMeta | undefined, value: Value): string | undefined =>
  column?.kind === "port" && typeof value === "number" ? serviceOf(value) : undefined;

/** A further key of a row; TCP beside a port goes without saying. */
function wordOf(answer: Answer, key: ColumnMeta, row: number, first?: ColumnMeta): string {
  const value = answer.value(key.name, row);
  if (value === null || value === "" || (key.kind === "port" && value === 0)) return "";
  if (key.kind === "protocol" && first?.kind === "port" && value === TCP) return "";
  return answer.nameOf(value)?.name ?? shownText(key, value);
}

function barNames(answer: Answer, keys: readonly ColumnMeta[], row: number): BarRow {
  const first = mainKey(answer, keys, row);
  const value = first ? answer.value(first.name, row) : null;
  const others = keys.filter((key) => key !== first).map((key) => wordOf(answer, key, row, first));
  const path = first?.name === "traffic_path" ? PATHS[String(value)] : undefined;
  const known = answer.nameOf(value)?.name ?? path ?? serviceName(first, value);
  const name = [...new Set([known, ...others])].filter(Boolean).join(" ");
  const picks = keys.flatMap((key) => pickOf(key, answer.value(key.name, row)) ?? []);
  const [pick, ...and] = picks;
  const said = answer.has("pick_filter") ? answer.value("pick_filter", row) : null;
  const note = answer.has("why") ? answer.value("rule_text", row) : null;
  return {
    value: value === null ? "unknown" : shownText(first, value),
    name: name || undefined,
    note: note === null ? undefined : String(note),
    amount: 0,
    pick: pick && { ...pick, and, filter: said === null ? undefined : String(said) },
  };
}
