/** The ECharts options of the charts over time. */
import type { EChartsCoreOption } from "echarts/core";
import { fillOf } from "./colours";
import { axisOf, gridOf, hatchOf, tooltipHead, tooltipLine, tooltipOf } from "./EChart";
import { axisText, instantText, measureText, zoneText } from "./format";
import type { Theme } from "./theme";
import type { DrawnSeries, TimeChartProps } from "./timeSeries";
import { type Tick, timeTicks } from "./timeTicks";

export type TimeShape = "area" | "lines" | "bars";

export interface TimeOptionInput {
  props: TimeChartProps;
  shape: TimeShape;
  /** The series that are shown. */
  series: readonly DrawnSeries[];
  width: number;
}

/** Beyond this a line has more points than pixels, and ECharts takes some away. */
const SAMPLED_FROM = 2500;

/** First and last time of the axis: bars stand in the middle of their interval. */
export function axisEnds({ times, interval_s }: TimeChartProps, shape: TimeShape) {
  const first = times[0] ?? 0;
  const last = times[times.length - 1] ?? first;
  const end = shape === "bars" || times.length < 2 ? last + interval_s : last;
  return { start_s: first, end_s: end };
}

function valueAxis(theme: Theme, { kind }: TimeChartProps) {
  const axis = axisOf(theme);
  return {
    type: "value",
    ...axis,
    axisLine: { show: false },
    splitNumber: 4,
    min: 0,
    // A chart of zeros is a line at the bottom, not one in the middle of made-up numbers.
    max: (range: { max: number }) => (range.max > 0 ? null : 1),
    axisLabel: { ...axis.axisLabel, formatter: (value: number) => axisText(value, kind) },
  };
}

function timeAxis(theme: Theme, { props, shape, width }: TimeOptionInput) {
  const axis = axisOf(theme);
  const ends = axisEnds(props, shape);
  const wanted = Math.max(2, Math.floor((width - 70) / 96));
  const ticks = timeTicks(ends.start_s, ends.end_s, wanted, props.zone);
  const labels = new Map(ticks.map((tick: Tick) => [tick.time_s * 1000, tick.label]));
  const customValues = [...labels.keys()];
  return {
    type: "value",
    min: ends.start_s * 1000,
    max: ends.end_s * 1000,
    ...axis,
    splitLine: { show: false },
    axisTick: { show: false, customValues },
    axisLabel: {
      ...axis.axisLabel,
      customValues,
      hideOverlap: true,
      formatter: (value: number) => labels.get(value) ?? "",
    },
  };
}

function points({ times, interval_s }: TimeChartProps, values: DrawnSeries["values"], mid: number) {
  return times.map((time, at) => [(time + mid * interval_s) * 1000, values[at] ?? null]);
}

function lineOf(theme: Theme, { props, shape }: TimeOptionInput, line: DrawnSeries) {
  const colour = theme.colour(line.colour);
  const stacked = shape === "area";
  const long = props.times.length > SAMPLED_FROM;
  const outline = stacked
    ? { width: line.rejected ? 0 : 1, color: theme.colour("surface") }
    : {
        width: 1.6,
        color: colour,
        type: line.rejected && props.series.length > 1 ? [5, 3] : "solid",
      };
  return {
    name: line.name,
    type: "line",
    stack: stacked ? "all" : undefined,
    symbol: "none",
    showSymbol: false,
    // All lines of a stack must lose the same points.
    sampling: long ? (stacked ? "average" : "lttb") : undefined,
    lineStyle: outline,
    itemStyle: { color: colour, decal: stacked && line.rejected ? hatchOf(theme) : undefined },
    areaStyle: stacked
      ? { color: colour, opacity: line.opacity ?? fillOf(line.colour) }
      : undefined,
    emphasis: { disabled: true },
    data: points(props, line.values, 0),
  };
}

function barOf(theme: Theme, { props, width }: TimeOptionInput, line: DrawnSeries) {
  const slot = Math.max(1, (width - 70) / Math.max(1, props.times.length));
  const bar = Math.max(1, Math.min(36, slot >= 5 ? slot - 2 : slot * 0.82));
  return {
    name: line.name,
    type: "bar",
    stack: "all",
    barWidth: bar,
    itemStyle: {
      color: theme.colour(line.colour),
      decal: line.rejected ? hatchOf(theme) : undefined,
      opacity: line.rejected ? 1 : (line.opacity ?? 0.85),
    },
    emphasis: { disabled: true },
    data: points(props, line.values, 0.5),
  };
}

function previousOf(theme: Theme, { props, shape }: TimeOptionInput) {
  if (!props.previous) return [];
  const colour = theme.colour("text-2");
  return [
    {
      name: props.previous.label,
      type: "line",
      symbol: "none",
      lineStyle: { width: 1.3, type: [4, 3], color: colour },
      itemStyle: { color: colour },
      emphasis: { disabled: true },
      z: 4,
      data: points(props, props.previous.values, shape === "bars" ? 0.5 : 0),
    },
  ];
}

function tooltipText(theme: Theme, input: TimeOptionInput, at: number): string {
  const { props, series } = input;
  const time = props.times[at];
  if (time === undefined) return "";
  const lines = [...series].reverse().map((line) => {
    const value = line.values[at];
    const text = value === null || value === undefined ? "–" : measureText(value, props.kind);
    const mark = line.rejected ? `✕ ${line.label}` : line.label;
    return tooltipLine(mark, text, theme.colour(line.colour));
  });
  const before = props.previous?.values[at];
  if (props.previous && before !== null && before !== undefined)
    lines.push(
      tooltipLine(
        props.previous.label,
        measureText(before, props.kind),
        theme.colour("text-2"),
        "dash",
      ),
    );
  const when = `${instantText(time, props.zone)} ${zoneText(props.zone, time)}`;
  return tooltipHead(when) + lines.join("");
}

/** The option of a chart over time. */
export function timeOption(theme: Theme, input: TimeOptionInput): EChartsCoreOption {
  const { props, shape, series } = input;
  const top = props.markers?.length ? 26 : 10;
  const make = shape === "bars" ? barOf : lineOf;
  return {
    grid: gridOf(14, 18, top, 10),
    tooltip: {
      ...tooltipOf(theme),
      trigger: "axis",
      axisPointer: { type: "line", lineStyle: { color: theme.colour("text-3"), type: "solid" } },
      formatter: (points: { dataIndex: number }[]) =>
        tooltipText(theme, input, points[0]?.dataIndex ?? -1),
    },
    xAxis: timeAxis(theme, input),
    yAxis: valueAxis(theme, props),
    series: [...series.map((line) => make(theme, input, line)), ...previousOf(theme, input)],
  };
}
