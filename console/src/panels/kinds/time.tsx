/** Panels over time: areas, lines, bars. */
import { useMemo } from "react";
import { answerOf } from "../../charts/answer";
import { Bars, barsSentence, barsTable } from "../../charts/Bars";
import { barsOf, type Pivot, pivotOf, timeColumn } from "../../charts/pivot";
import { TimeArea, TimeBars, TimeLines } from "../../charts/TimeChart";
import { type TimeChartProps, timeSentence, timeTable, totalsOf } from "../../charts/timeSeries";
import type { KindProps } from "./panel";

/** What is shown when an answer does not fit a kind. */
export function Unfit({ what }: { what: string }) {
  return (
    <div className="chart chart-empty">
      <p>{what}</p>
    </div>
  );
}

/** The totals of the period before, laid over this one by place in the range. */
function previousOf(props: KindProps, pivot: Pivot): TimeChartProps["previous"] {
  if (!props.previous) return undefined;
  const before = pivotOf(answerOf(props.previous), { ...props.options, top: 100 });
  if (!before) return undefined;
  const totals = totalsOf(before.series, before.times.length);
  if (!totals.some((value) => value)) return undefined;
  return {
    label: props.previousLabel ?? "Previous period",
    values: pivot.times.map((_, at) => totals[at] ?? null),
  };
}

/** The chart of a panel; null when the answer has no time or nothing to measure. */
export function timeProps(props: KindProps): TimeChartProps | null {
  if (!props.answer) return null;
  const pivot = pivotOf(answerOf(props.answer), props.options);
  if (!pivot) return null;
  return {
    times: pivot.times,
    interval_s: pivot.interval_s,
    series: pivot.series,
    kind: pivot.measure.kind,
    zone: props.zone,
    title: props.title,
    previous: previousOf(props, pivot),
    markers: props.markers,
    group: props.group,
    legend: props.options.legend,
    onRange: props.onRange,
    onPick: props.onPick,
  };
}

function useTimeProps(props: KindProps): TimeChartProps | null {
  const { answer, previous, options, zone, title, previousLabel } = props;
  // Pivoting is the costly part; handlers and markers are put in afterwards.
  // biome-ignore lint/correctness/useExhaustiveDependencies: see above
  const made = useMemo(
    () => timeProps(props),
    [answer, previous, options, zone, title, previousLabel],
  );
  if (!made) return null;
  const { markers, group, onRange, onPick } = props;
  return { ...made, markers, group, onRange, onPick };
}

const NO_TIME = "This answer has no time to draw over. Choose bars or a table.";

export function AreaPanel(props: KindProps) {
  const chart = useTimeProps(props);
  return chart ? <TimeArea {...chart} /> : <Unfit what={NO_TIME} />;
}

export function LinePanel(props: KindProps) {
  const chart = useTimeProps(props);
  return chart ? <TimeLines {...chart} /> : <Unfit what={NO_TIME} />;
}

/** Whether bars run over time or down a list of names. */
export function overTime({ answer, options }: KindProps): boolean {
  if (options.over) return options.over === "time";
  return Boolean(answer && timeColumn(answerOf(answer))?.name === answer.columns[0]?.name);
}

function barProps({ answer, options, title }: KindProps) {
  const bars = answer ? barsOf(answerOf(answer), options) : null;
  return bars ? { rows: bars.rows, kind: bars.measure.kind, title } : null;
}

function TimeBarsPanel(props: KindProps) {
  const chart = useTimeProps(props);
  return chart ? <TimeBars {...chart} /> : <Unfit what={NO_TIME} />;
}

export function BarsPanel(props: KindProps) {
  if (overTime(props)) return <TimeBarsPanel {...props} />;
  const bars = barProps(props);
  if (!bars) return <Unfit what="This answer has no names to draw bars for." />;
  return <Bars {...bars} onPick={props.onPick} />;
}

export function sentenceOverTime(props: KindProps): string {
  const chart = timeProps(props);
  return chart ? timeSentence(chart) : `${props.title}. There is nothing to draw.`;
}

export function tableOverTime(props: KindProps) {
  const chart = timeProps(props);
  return chart ? timeTable(chart) : null;
}

export function barsText(props: KindProps): string {
  if (overTime(props)) return sentenceOverTime(props);
  const bars = barProps(props);
  return bars ? barsSentence(bars) : `${props.title}. There is nothing to draw.`;
}

export function barsRows(props: KindProps) {
  if (overTime(props)) return tableOverTime(props);
  const bars = barProps(props);
  return bars ? barsTable(bars) : null;
}

export { barProps };
