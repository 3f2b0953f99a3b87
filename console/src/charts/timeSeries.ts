/** What a chart over time holds, and the plain sums over it. */
import type { ChartTable, ColumnMeta, Kind, OnPick, OnRange, Pick, Value } from "./answer";
import { coloursOf, isRejected, type Token } from "./colours";
import { clockText, instantText, measureText, shareText, zoneText } from "./format";

export interface TimeSeries {
  name: string;
  /** One value per entry of `times`; null where nothing is known. */
  values: readonly (number | null)[];
  /** Text of the legend; the name when it is left out. */
  label?: string;
  /** Told red and with a mark; by default when the name is "rejected". */
  rejected?: boolean;
  colour?: Token;
  opacity?: number;
  /** What a click on this series filters by. */
  pick?: Pick;
}

export interface TimeMarker {
  at_s: number;
  label: string;
  bad?: boolean;
  id?: string;
}

export interface TimeChartProps {
  /** Starts of the intervals, epoch seconds, in order. */
  times: readonly number[];
  interval_s: number;
  /** In stack order: the first is at the bottom. */
  series: readonly TimeSeries[];
  kind: Kind;
  /** "utc", "local" or an IANA name. */
  zone: string;
  /** What is measured, for the sentence: "Bytes by direction and action". */
  title: string;
  previous?: { label: string; values: readonly (number | null)[] };
  markers?: readonly TimeMarker[];
  /** Charts of one group show one cursor. */
  group?: string;
  /** "header": into the panel's header; "inside": above the plot; "none". Default "header". */
  legend?: "header" | "inside" | "none";
  onRange?: OnRange;
  onPick?: OnPick;
  onMarker?: (marker: TimeMarker) => void;
}

export interface DrawnSeries extends TimeSeries {
  label: string;
  rejected: boolean;
  colour: Token;
}

/** The series with what was left out filled in. */
export function drawnSeries(series: readonly TimeSeries[]): DrawnSeries[] {
  const colours = coloursOf(series.map((line) => line.name));
  return series.map((line) => {
    const rejected = line.rejected ?? isRejected(line.name);
    return {
      ...line,
      rejected,
      label: line.label ?? line.name,
      colour: rejected ? "reject" : (line.colour ?? colours.get(line.name) ?? "c1"),
    };
  });
}

export function sumOf(values: readonly (number | null)[]): number {
  let sum = 0;
  for (const value of values) sum += value ?? 0;
  return sum;
}

/** Sums over the series at each time. */
export function totalsOf(series: readonly TimeSeries[], length: number): number[] {
  const totals = new Array<number>(length).fill(0);
  for (const line of series)
    for (let at = 0; at < length; at += 1) totals[at] = (totals[at] ?? 0) + (line.values[at] ?? 0);
  return totals;
}

const ADDITIVE: ReadonlySet<Kind> = new Set(["bytes", "count", "packets"]);

/** The sentence of a chart over time: when, total, the largest, shares. */
export function timeSentence(props: TimeChartProps): string {
  const { times, interval_s, series, kind, zone, title } = props;
  const first = times[0];
  const last = times[times.length - 1];
  if (first === undefined || last === undefined || series.length === 0)
    return `${title}. There is nothing in this time range.`;
  const range = `${instantText(first, zone)} to ${instantText(last + interval_s, zone)} ${zoneText(zone, last)}`;
  return `${title}, ${range}. ${ADDITIVE.has(kind) ? sums(props) : peaks(props)}`;
}

function sums({ times, series, kind, zone }: TimeChartProps): string {
  const totals = totalsOf(series, times.length);
  const total = sumOf(totals);
  if (total === 0) return "All values are zero.";
  const top = totals.indexOf(largest(totals));
  const parts = [...series]
    .map((line) => ({ name: line.label ?? line.name, sum: sumOf(line.values) }))
    .sort((one, other) => other.sum - one.sum)
    .slice(0, 5)
    .map((part) => `${part.name} ${measureText(part.sum, kind)} (${shareText(part.sum / total)})`);
  const most = `largest ${measureText(totals[top] ?? 0, kind)} at ${clockText(times[top] ?? 0, zone)}`;
  const more = series.length > 5 ? `, and ${series.length - 5} more` : "";
  return `Total ${measureText(total, kind)}; ${most}. ${parts.join(", ")}${more}.`;
}

function peaks({ times, series, kind, zone }: TimeChartProps): string {
  const parts = series.slice(0, 5).map((line) => {
    const top = largest(line.values);
    const at = times[line.values.indexOf(top)];
    if (at === undefined) return `${line.label ?? line.name} has no values`;
    return `${line.label ?? line.name} up to ${measureText(top, kind)} at ${clockText(at, zone)}`;
  });
  const more = series.length > 5 ? `; and ${series.length - 5} more` : "";
  return `${parts.join("; ")}${more}.`;
}

function largest(values: readonly (number | null)[]): number {
  let top = -Infinity;
  for (const value of values) if (value !== null && value > top) top = value;
  return top;
}

/** The same numbers as a table: a row per time, a column per series. */
export function timeTable({ times, series, kind, previous }: TimeChartProps): ChartTable {
  const columns: ColumnMeta[] = [{ name: "time", kind: "time", label: "Time" }];
  for (const line of series)
    columns.push({ name: line.name, kind, label: line.label ?? line.name });
  if (previous) columns.push({ name: "previous", kind, label: previous.label });
  const rows = times.map((time, at) => {
    const row: Value[] = [time, ...series.map((line) => line.values[at] ?? null)];
    if (previous) row.push(previous.values[at] ?? null);
    return row;
  });
  return { columns, rows };
}

/** The series at a height of the stack, by index; -1 above all. */
export function stackedAt(series: readonly TimeSeries[], at: number, value: number): number {
  let below = 0;
  for (let index = 0; index < series.length; index += 1) {
    below += series[index]?.values[at] ?? 0;
    if (value <= below) return index;
  }
  return -1;
}

/** The line nearest to a height, by index. */
export function nearestAt(series: readonly TimeSeries[], at: number, value: number): number {
  let best = -1;
  let distance = Infinity;
  series.forEach((line, index) => {
    const own = line.values[at];
    if (own === null || own === undefined) return;
    const apart = Math.abs(own - value);
    if (apart < distance) [best, distance] = [index, apart];
  });
  return best;
}

/** The interval that holds a time, by index, kept within the chart. */
export function indexAt(times: readonly number[], interval_s: number, time_s: number): number {
  const first = times[0] ?? 0;
  const at = Math.floor((time_s - first) / (interval_s || 1));
  return Math.min(times.length - 1, Math.max(0, at));
}
