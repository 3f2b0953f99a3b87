import { type KeyboardEvent, useState } from "react";
import { instantText, measureText } from "./format";
import type { DrawnSeries, TimeChartProps } from "./timeSeries";
import { totalsOf } from "./timeSeries";
import { type ChosenRange, wholeIntervals } from "./useTimePointer";

interface TimeKeysProps {
  props: TimeChartProps;
  series: readonly DrawnSeries[];
  /** Shows the cursor at an interval, or takes it away. */
  onMove: (at: number | null) => void;
  onChosen: (range: ChosenRange | null) => void;
}

interface Place {
  at: number;
  /** Where a range was begun with Shift. */
  from: number | null;
  /** The series under the cursor, -1 for all. */
  line: number;
}

/** The keys of a chart over time: reads values, chooses a range, picks a series. */
export function TimeKeys({ props, series, onMove, onChosen }: TimeKeysProps) {
  const { times } = props;
  const last = times.length - 1;
  const [place, setPlace] = useState<Place>({ at: Math.max(0, last), from: null, line: -1 });
  const go = (next: Place) => {
    setPlace(next);
    onMove(next.at);
    onChosen(next.from === null ? null : rangeOf(props, next));
  };
  const done = () => {
    if (place.from === null && place.line >= 0) {
      const pick = series[place.line]?.pick;
      if (pick) return props.onPick?.(pick);
    }
    const range = rangeOf(props, place);
    onChosen(null);
    setPlace({ ...place, from: null });
    props.onRange?.(range.start_s, range.end_s);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const next = moved(place, event, last, series.length);
    if (next) go(next);
    else if (event.key === "Enter") done();
    else if (event.key === "Escape" && place.from !== null) go({ ...place, from: null });
    else return;
    event.preventDefault();
  };
  return (
    <div
      className="chart-keys"
      role="slider"
      tabIndex={0}
      aria-label={`${props.title}: arrow keys move, Shift with arrows chooses a range, Enter applies`}
      aria-valuemin={0}
      aria-valuemax={Math.max(0, last)}
      aria-valuenow={Math.min(place.at, Math.max(0, last))}
      aria-valuetext={placeText(props, series, place)}
      onKeyDown={onKeyDown}
      onBlur={() => {
        onMove(null);
        onChosen(null);
      }}
    />
  );
}

function rangeOf(props: TimeChartProps, { at, from }: Place): ChosenRange {
  const one = props.times[Math.min(at, props.times.length - 1)] ?? 0;
  const other = from === null ? one : (props.times[from] ?? one);
  return wholeIntervals(props, one, other);
}

function moved(place: Place, event: KeyboardEvent, last: number, lines: number): Place | null {
  const at = Math.min(place.at, last);
  const to = (next: number): Place => ({
    ...place,
    at: Math.min(last, Math.max(0, next)),
    from: event.shiftKey ? (place.from ?? at) : null,
  });
  if (event.key === "ArrowLeft") return to(at - 1);
  if (event.key === "ArrowRight") return to(at + 1);
  if (event.key === "PageUp") return to(at - 10);
  if (event.key === "PageDown") return to(at + 10);
  if (event.key === "Home") return to(0);
  if (event.key === "End") return to(last);
  if (event.key === "ArrowUp") return { ...place, line: Math.min(lines - 1, place.line + 1) };
  if (event.key === "ArrowDown") return { ...place, line: Math.max(-1, place.line - 1) };
  return null;
}

function placeText(props: TimeChartProps, series: readonly DrawnSeries[], place: Place): string {
  const at = Math.min(place.at, props.times.length - 1);
  const time = props.times[at];
  if (time === undefined) return "no values";
  const line = series[place.line];
  const value = line ? (line.values[at] ?? 0) : (totalsOf(series, props.times.length)[at] ?? 0);
  const name = line ? line.label : "all";
  return `${instantText(time, props.zone)}, ${name} ${measureText(value, props.kind)}`;
}
