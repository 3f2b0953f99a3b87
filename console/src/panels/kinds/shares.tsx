/** Panels of shares, places, links and bins. */
import { type Answer, answerOf } from "../../charts/answer";
import { barsSentence, barsTable } from "../../charts/Bars";
import { heatCells, logEdges } from "../../charts/bins";
import { Donut } from "../../charts/Donut";
import { type GraphProps, graphSentence, graphTable } from "../../charts/graph";
import { HeatMap, type HeatMapProps, heatSentence, heatTable } from "../../charts/HeatMap";
import { Matrix } from "../../charts/Matrix";
import { measureColumn, nameText, rangeOf, timeColumn } from "../../charts/pivot";
import { Sankey } from "../../charts/Sankey";
import { type CountryRow, mapSentence, mapTable, WorldMap } from "../../charts/WorldMap";
import type { KindProps } from "./panel";
import { barProps, Unfit } from "./time";

const SHARES_MAX = 7;

/** The largest shares, and what is left as "other". */
function shares(props: KindProps) {
  const all = barProps({ ...props, options: { ...props.options, top: Number.MAX_SAFE_INTEGER } });
  if (!all) return null;
  const top = Math.min(props.options.top ?? SHARES_MAX, SHARES_MAX);
  const rest = all.rows.slice(top).reduce((sum, row) => sum + row.amount, 0);
  const rows = all.rows.slice(0, top);
  if (rest > 0) rows.push({ value: "other", amount: rest });
  return { ...all, rows };
}

export function PiePanel(props: KindProps) {
  const chart = shares(props);
  if (!chart) return <Unfit what="This answer has no names to share out." />;
  return <Donut {...chart} onPick={props.onPick} />;
}

export function pieText(props: KindProps): string {
  const chart = shares(props);
  return chart ? barsSentence(chart) : `${props.title}. There is nothing to draw.`;
}

export function pieRows(props: KindProps) {
  const chart = shares(props);
  return chart ? barsTable(chart) : null;
}

export function graphProps(props: KindProps): GraphProps {
  const { graph, title, options, onPick } = props;
  return {
    nodes: graph?.nodes ?? [],
    links: graph?.links ?? [],
    title,
    limit: options.limit,
    onPick,
  };
}

export function SankeyPanel(props: KindProps) {
  const chart = graphProps(props);
  if (chart.links.length === 0)
    return <Unfit what="Nothing went between two ends in this range." />;
  return <Sankey {...chart} />;
}

export function MatrixPanel(props: KindProps) {
  const chart = graphProps(props);
  if (chart.links.length === 0)
    return <Unfit what="Nothing went between two ends in this range." />;
  return <Matrix {...chart} />;
}

export const graphText = (props: KindProps): string => graphSentence(graphProps(props));
export const graphRows = (props: KindProps) => graphTable(graphProps(props));

function countries({ answer: envelope, options }: KindProps): CountryRow[] {
  if (!envelope) return [];
  const answer = answerOf(envelope);
  const column = options.country ?? "country";
  return Array.from({ length: answer.rows }, (_, row) => {
    const code = answer.value(column, row);
    return {
      code: code === null ? "" : String(code),
      name: code === null ? "unknown" : (countryName(String(code)) ?? nameText(answer, code)),
      bytes: Number(answer.value("bytes", row) ?? 0),
      rejected: Number(answer.value("rejected", row) ?? 0),
      pick: { field: column, value: code },
    };
  }).filter((row) => row.code !== "" && row.code !== "-");
}

function countryName(code: string): string | undefined {
  if (!/^[A-Za-z]{2}$/.test(code)) return undefined;
  return new Intl.DisplayNames(["en"], { type: "region" }).of(code.toUpperCase());
}

export function MapPanel(props: KindProps) {
  return <WorldMap rows={countries(props)} title={props.title} onPick={props.onPick} />;
}

export const mapText = (props: KindProps): string => {
  const rows = countries(props);
  if (rows.length === 0) return `${props.title}. No country is known.`;
  return mapSentence({ rows, title: props.title });
};

export const mapRows = (props: KindProps) =>
  mapTable({ rows: countries(props), title: props.title });

/** Bins that the server made: columns that begin with low and high. */
function servedBins(answer: Answer) {
  const low = answer.columns.find((column) => /^low(_|$)/.test(column.name));
  const high = answer.columns.find((column) => /^high(_|$)/.test(column.name));
  return low && high ? { low, high } : null;
}

/** The cells of a heat map: bins of the server, else logarithmic bins of a measure. */
export function heatProps(props: KindProps): HeatMapProps | null {
  if (!props.answer) return null;
  const answer = answerOf(props.answer);
  const time = timeColumn(answer);
  const range = time ? rangeOf(answer, time) : null;
  if (!time || !range) return null;
  const { start_s, end_s, interval_s } = range;
  const length = Math.ceil((end_s - start_s) / interval_s - 1e-9);
  const times = Array.from({ length }, (_, at) => start_s + at * interval_s);
  const starts = answer.column(time.name).map((value) => {
    const at = Math.floor((Number(value ?? 0) - start_s) / interval_s);
    return times[at] ?? start_s;
  });
  const amount = answer.has("records") ? answer.column("records").map(Number) : null;
  const bins = binsOf(answer, props);
  if (!bins) return null;
  return {
    times,
    interval_s,
    edges: bins.edges,
    cells: heatCells(starts, bins.values, amount, bins.edges),
    kind: bins.kind,
    unit: props.options.unit ?? "records",
    zone: props.zone,
    title: props.title,
    onRange: props.onRange,
  };
}

function binsOf(answer: Answer, { options }: KindProps) {
  const served = servedBins(answer);
  if (served) {
    // The last bin has no end; the axis calls it "more".
    const values = answer.column(served.high.name).map((v) => (v === null ? Infinity : Number(v)));
    const edges = [...new Set(values)].sort((one, other) => one - other);
    return { edges, values, kind: served.high.kind };
  }
  const measure = measureColumn(answer, options.value);
  if (!measure) return null;
  const values = answer.column(measure.name).map((value) => Number(value ?? 0));
  const known = values.filter((value) => value > 0);
  if (known.length === 0) return null;
  const low = known.reduce((least, value) => Math.min(least, value), Infinity);
  const high = known.reduce((most, value) => Math.max(most, value), 0);
  return { edges: logEdges(low, high), values, kind: measure.kind };
}

export function HeatPanel(props: KindProps) {
  const chart = heatProps(props);
  if (!chart) return <Unfit what="This answer has no values over time to bin." />;
  return <HeatMap {...chart} />;
}

export function heatText(props: KindProps): string {
  const chart = heatProps(props);
  return chart ? heatSentence(chart) : `${props.title}. There is nothing to draw.`;
}

export function heatRows(props: KindProps) {
  const chart = heatProps(props);
  return chart ? heatTable(chart) : null;
}
