import type { ECharts, EChartsCoreOption } from "echarts/core";
import { useCallback, useMemo, useRef, useState } from "react";
import type { ChartTable, Kind, OnRange } from "./answer";
import type { HeatCell } from "./bins";
import { DrillList } from "./DrillList";
import { axisOf, EChart, gridOf, tooltipHead, tooltipLine, tooltipOf } from "./EChart";
import { axisText, clockText, countText, instantText, zoneText } from "./format";
import { HeatScale, heatColours } from "./HeatScale";
import type { Theme } from "./theme";
import { timeTicks } from "./timeTicks";

export interface HeatMapProps {
  /** Starts of the columns, epoch seconds. */
  times: readonly number[];
  interval_s: number;
  /** Upper edges of the rows, from below. */
  edges: readonly number[];
  cells: readonly HeatCell[];
  /** Kind of the edges. */
  kind: Kind;
  /** What the amounts count: "records". */
  unit: string;
  zone: string;
  title: string;
  onRange?: OnRange;
}

const edgeText = (edge: number, kind: Kind): string =>
  Number.isFinite(edge) ? axisText(edge, kind).replace(" ", "") : "more";

const underText = (edge: number, kind: Kind): string =>
  Number.isFinite(edge) ? `up to ${edgeText(edge, kind)}` : "above the others";

/** Time by bins of a value: darker is more. */
export function HeatMap(props: HeatMapProps) {
  const { times, interval_s, edges, cells, kind, unit, zone, title } = props;
  const [width, setWidth] = useState(480);
  const top = useMemo(() => Math.max(0, ...cells.map((cell) => cell.amount)), [cells]);
  const option = useCallback(
    (theme: Theme) =>
      heatOption(theme, { times, interval_s, edges, cells, kind, unit, zone, title }, top, width),
    [times, interval_s, edges, cells, kind, unit, zone, title, top, width],
  );
  const picked = useRef<(time_s: number) => void>(() => {});
  picked.current = (time_s) => props.onRange?.(time_s, time_s + interval_s);
  const connect = (chart: ECharts | null) =>
    chart?.on("click", (params) => {
      const cell = (params.data as { cell?: HeatCell } | undefined)?.cell;
      if (cell) picked.current(cell.time_s);
    });
  return (
    <div className="chart chart-graph">
      <EChart
        option={option}
        sentence={heatSentence(props)}
        onChart={connect}
        onDrawn={(chart) => setWidth(chart.getWidth())}
      />
      <HeatScale low="0" high={`${countText(top)} ${unit}`} />
      <DrillList label={`Columns of ${title}`} items={columnsOf(props, picked.current)} />
    </div>
  );
}

function columnsOf({ times, cells, kind, unit, zone }: HeatMapProps, pick: (t: number) => void) {
  const most = largestByTime(cells);
  return times.map((time_s) => {
    const cell = most.get(time_s);
    const edge = underText(cell?.edge ?? 0, kind);
    const text = cell ? `most ${edge}, ${countText(cell.amount)} ${unit}` : `no ${unit}`;
    return {
      key: String(time_s),
      text: `${instantText(time_s, zone)}: ${text}`,
      onPick: () => pick(time_s),
    };
  });
}

function largestByTime(cells: readonly HeatCell[]): Map<number, HeatCell> {
  const found = new Map<number, HeatCell>();
  for (const cell of cells)
    if (cell.amount > (found.get(cell.time_s)?.amount ?? 0)) found.set(cell.time_s, cell);
  return found;
}

function heatData({ times, edges, cells }: HeatMapProps) {
  const columns = new Map(times.map((time, at) => [time, at]));
  const rows = new Map(edges.map((edge, at) => [edge, at]));
  const amounts = new Map<string, HeatCell>();
  for (const cell of cells) amounts.set(`${columns.get(cell.time_s)} ${rows.get(cell.edge)}`, cell);
  // Every cell is drawn, so that "none" is seen as the lightest colour and not as a hole.
  return times.flatMap((time_s, x) =>
    edges.map((edge, y) => {
      const cell = amounts.get(`${x} ${y}`) ?? { time_s, edge, amount: 0 };
      return { value: [x, y, cell.amount], cell };
    }),
  );
}

function heatOption(
  theme: Theme,
  props: HeatMapProps,
  top: number,
  width: number,
): EChartsCoreOption {
  const { times, interval_s, edges, kind, unit, zone } = props;
  const axis = axisOf(theme);
  const plain = {
    type: "category",
    ...axis,
    axisLine: { show: false },
    splitLine: { show: false },
  };
  const first = times[0] ?? 0;
  const end = (times[times.length - 1] ?? first) + interval_s;
  const ticks = timeTicks(first, end, Math.max(2, Math.floor((width - 60) / 78)), zone);
  const labels = new Map(
    ticks.map((tick) => [Math.round((tick.time_s - first) / interval_s), tick.label]),
  );
  const wide = times.length > 0 && (width - 70) / times.length >= 5;
  return {
    grid: gridOf(14, 18, 8, 36),
    tooltip: {
      ...tooltipOf(theme),
      formatter: ({ data }: { data: { cell: HeatCell } }) =>
        tooltipHead(`${instantText(data.cell.time_s, zone)} ${zoneText(zone, data.cell.time_s)}`) +
        tooltipLine(`${underText(data.cell.edge, kind)}`, `${countText(data.cell.amount)} ${unit}`),
    },
    xAxis: {
      ...plain,
      data: times.map(String),
      axisLabel: {
        ...axis.axisLabel,
        interval: (at: number) => labels.has(at),
        formatter: (_: string, at: number) => labels.get(at) ?? clockText(times[at] ?? 0, zone),
      },
    },
    yAxis: {
      ...plain,
      data: edges.map((edge) => edgeText(edge, kind)),
      axisLabel: { ...axis.axisLabel, interval: edges.length > 7 ? 1 : 0 },
    },
    visualMap: {
      type: "continuous",
      show: false,
      dimension: 2,
      min: 0,
      max: top || 1,
      inRange: { color: heatColours(theme) },
    },
    series: [
      {
        type: "heatmap",
        data: heatData(props),
        itemStyle: {
          borderColor: theme.colour("surface"),
          borderWidth: wide ? 1 : 0,
          borderRadius: 1,
        },
        emphasis: { itemStyle: { borderColor: theme.colour("text"), borderWidth: 1 } },
      },
    ],
  };
}

export function heatSentence({ times, cells, kind, unit, zone, title }: HeatMapProps): string {
  const total = cells.reduce((sum, cell) => sum + cell.amount, 0);
  const first = times[0];
  if (first === undefined || total === 0) return `${title}. There is nothing in this time range.`;
  const sorted = [...cells].sort((one, other) => one.edge - other.edge);
  const at = (share: number) => {
    let sum = 0;
    for (const cell of sorted) {
      sum += cell.amount;
      if (sum >= total * share) return edgeText(cell.edge, kind);
    }
    return "";
  };
  const used = sorted.filter((cell) => cell.amount > 0);
  const slow = used[used.length - 1];
  const when = slow
    ? ` The largest, up to ${edgeText(slow.edge, kind)}, at ${instantText(slow.time_s, zone)}.`
    : "";
  return `${title}: ${countText(total)} ${unit}; half within ${at(0.5)}, 95% within ${at(0.95)}.${when}`;
}

export function heatTable({ cells, kind, unit, title }: HeatMapProps): ChartTable {
  return {
    columns: [
      { name: "time", kind: "time", label: "Time" },
      { name: "edge", kind, label: `${title}, up to` },
      { name: "amount", kind: "count", label: unit },
    ],
    rows: [...cells]
      .sort((one, other) => one.time_s - other.time_s || one.edge - other.edge)
      .map((cell) => [cell.time_s, cell.edge, cell.amount]),
  };
}
