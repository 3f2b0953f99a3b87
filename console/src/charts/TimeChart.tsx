import type { ECharts } from "echarts/core";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { joinCursor, tellCursor } from "./cursor";
import { EChart } from "./EChart";
import { Legend, type LegendEntry, PlacedLegend } from "./Legend";
import { TimeKeys } from "./TimeKeys";
import { type Plot, TimeOverlay, timeAt } from "./TimeOverlay";
import type { Theme } from "./theme";
import { axisEnds, type TimeShape, timeOption } from "./timeOption";
import {
  type DrawnSeries,
  drawnSeries,
  indexAt,
  nearestAt,
  stackedAt,
  type TimeChartProps,
  timeSentence,
} from "./timeSeries";
import { type ChosenRange, useTimePointer } from "./useTimePointer";

/** Stacked areas over time. */
export const TimeArea = (props: TimeChartProps) => <TimeChart {...props} shape="area" />;

/** Lines over time. */
export const TimeLines = (props: TimeChartProps) => <TimeChart {...props} shape="lines" />;

/** Stacked bars over time. */
export const TimeBars = (props: TimeChartProps) => <TimeChart {...props} shape="bars" />;

function TimeChart({ shape, ...props }: TimeChartProps & { shape: TimeShape }) {
  const chart = useRef<ECharts | null>(null);
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const [width, setWidth] = useState(0);
  const [byKeys, setByKeys] = useState<ChosenRange | null>(null);
  const all = useMemo(() => drawnSeries(props.series), [props.series]);
  const series = useMemo(() => all.filter((line) => !hidden.has(line.name)), [all, hidden]);
  const { plot, measure } = usePlot(props, shape);
  const { cursor_s, tell } = useCursor(props.group, plot);
  const click = (x: number, y: number) => pickAt({ chart, props, series, shape, plot, x, y });
  const { chosen, handlers } = useTimePointer({ props, plot, onClick: click });
  const option = useOption(props, shape, series, width);
  const drawn = useCallback(
    (made: ECharts) => {
      setWidth(made.getWidth());
      measure(made);
    },
    [measure],
  );
  return (
    <div className="chart chart-time">
      <PlacedLegend where={props.legend ?? "header"}>
        <Legend
          entries={legendOf(all, props)}
          hidden={hidden}
          onToggle={(name) => setHidden(toggled(hidden, name))}
        />
      </PlacedLegend>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: TimeKeys is the way by keyboard */}
      <div
        className={props.onRange ? "chart-box brushable" : "chart-box"}
        {...handlers}
        onPointerLeave={() => tell(null)}
        onMouseMove={(event) => {
          const left = event.currentTarget.getBoundingClientRect().left;
          tell(plot ? timeAt(plot, event.clientX - left) : null);
        }}
      >
        <EChart
          option={option}
          sentence={timeSentence(props)}
          onChart={(made) => {
            chart.current = made;
          }}
          onDrawn={drawn}
        />
        {plot ? (
          <TimeOverlay
            plot={plot}
            markers={props.markers}
            onMarker={props.onMarker}
            chosen={chosen ?? byKeys}
            cursor_s={cursor_s}
          />
        ) : null}
        <TimeKeys
          props={props}
          series={series}
          onMove={(at) => showTip(chart.current, at)}
          onChosen={setByKeys}
        />
      </div>
    </div>
  );
}

function toggled(hidden: ReadonlySet<string>, name: string): ReadonlySet<string> {
  const next = new Set(hidden);
  if (!next.delete(name)) next.add(name);
  return next;
}

function showTip(chart: ECharts | null, at: number | null) {
  if (!chart || chart.isDisposed()) return;
  if (at === null) chart.dispatchAction({ type: "hideTip" });
  else chart.dispatchAction({ type: "showTip", seriesIndex: 0, dataIndex: at });
}

/** Legends name the top of the stack first, as it is seen. */
function legendOf(all: readonly DrawnSeries[], props: TimeChartProps): LegendEntry[] {
  const entries: LegendEntry[] = [...all].reverse().map((line) => ({
    name: line.name,
    label: line.label,
    colour: line.colour,
    mark: line.rejected ? "hatch" : "square",
  }));
  const before = props.previous;
  if (before)
    entries.push({ name: "previous", label: before.label, colour: "text-2", mark: "dash" });
  return entries;
}

function useOption(
  props: TimeChartProps,
  shape: TimeShape,
  series: readonly DrawnSeries[],
  width: number,
) {
  const { times, interval_s, kind, zone, previous, title } = props;
  const marked = Boolean(props.markers?.length);
  // Only what is drawn: handlers change at every render and must not draw the chart again.
  // biome-ignore lint/correctness/useExhaustiveDependencies: the other props are handlers
  return useCallback(
    (theme: Theme) => timeOption(theme, { props, shape, series, width: width || 640 }),
    [times, interval_s, kind, zone, previous, title, marked, shape, series, width],
  );
}

/** Where the plot is; known after a drawing. */
function usePlot(props: TimeChartProps, shape: TimeShape) {
  const [plot, setPlot] = useState<Plot | null>(null);
  const latest = useRef({ props, shape });
  latest.current = { props, shape };
  const measure = useCallback((chart: ECharts) => {
    const { start_s, end_s } = axisEnds(latest.current.props, latest.current.shape);
    if (!(end_s > start_s)) return setPlot(null);
    const x = (time_s: number) => chart.convertToPixel({ xAxisIndex: 0 }, time_s * 1000) as number;
    const top = latest.current.props.markers?.length ? 26 : 10;
    const bottom = chart.convertToPixel({ yAxisIndex: 0 }, 0) as number;
    const next = { left: x(start_s), right: x(end_s), top, bottom, start_s, end_s };
    if (Object.values(next).every(Number.isFinite))
      setPlot((old) => (old && JSON.stringify(old) === JSON.stringify(next) ? old : next));
  }, []);
  return { plot, measure };
}

/** The cursor of the other charts of the group. */
function useCursor(group: string | undefined, plot: Plot | null) {
  const [cursor_s, setCursor] = useState<number | null>(null);
  useEffect(() => (group ? joinCursor(group, setCursor) : undefined), [group]);
  const tell = (time_s: number | null) => {
    if (group && plot) tellCursor(group, setCursor, time_s);
  };
  return { cursor_s, tell };
}

interface PickInput {
  chart: { current: ECharts | null };
  props: TimeChartProps;
  series: readonly DrawnSeries[];
  shape: TimeShape;
  plot: Plot | null;
  x: number;
  y: number;
}

function pickAt({ chart, props, series, shape, plot, x, y }: PickInput) {
  if (!plot || !chart.current || !props.onPick) return;
  const at = indexAt(props.times, props.interval_s, timeAt(plot, x));
  const value = chart.current.convertFromPixel({ yAxisIndex: 0 }, y) as number;
  const index = shape === "lines" ? nearestAt(series, at, value) : stackedAt(series, at, value);
  const pick = series[index]?.pick;
  if (pick) props.onPick(pick);
}
