import { type PointerEvent, useRef, useState } from "react";
import { type Plot, timeAt } from "./TimeOverlay";
import { indexAt, type TimeChartProps } from "./timeSeries";

export interface ChosenRange {
  start_s: number;
  end_s: number;
}

/** A press that moves less than this is a click, pixels. */
const CLICK_WITHIN = 4;

/** The range between two times, widened to whole intervals. */
export function wholeIntervals(
  { times, interval_s }: Pick<TimeChartProps, "times" | "interval_s">,
  one_s: number,
  other_s: number,
): ChosenRange {
  const first = times[0] ?? 0;
  const from = times[indexAt(times, interval_s, Math.min(one_s, other_s))] ?? first;
  const to = times[indexAt(times, interval_s, Math.max(one_s, other_s))] ?? first;
  return { start_s: from, end_s: to + interval_s };
}

interface PointerUse {
  props: TimeChartProps;
  plot: Plot | null;
  onClick: (x: number, y: number) => void;
}

/** Dragging over a chart chooses a range; a click without movement is passed on. */
export function useTimePointer({ props, plot, onClick }: PointerUse) {
  const press = useRef<{ x: number; y: number; moved: boolean } | null>(null);
  const [chosen, setChosen] = useState<ChosenRange | null>(null);
  const at = (event: PointerEvent) => {
    const box = event.currentTarget.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  const rangeTo = (from: number, x: number): ChosenRange | null =>
    plot ? wholeIntervals(props, timeAt(plot, from), timeAt(plot, x)) : null;
  const onPointerDown = (event: PointerEvent) => {
    const target = event.target as HTMLElement;
    if (!plot || event.button !== 0 || target.closest("button")) return;
    const { x, y } = at(event);
    if (x < plot.left - 6 || x > plot.right + 6) return;
    press.current = { x, y, moved: false };
  };
  const onPointerMove = (event: PointerEvent) => {
    const { x } = at(event);
    const pressed = press.current;
    if (!pressed || !props.onRange) return;
    if (!pressed.moved && Math.abs(x - pressed.x) < CLICK_WITHIN) return;
    // Captured only now, so that a plain click still reaches what is under it.
    if (!pressed.moved) event.currentTarget.setPointerCapture(event.pointerId);
    pressed.moved = true;
    setChosen(rangeTo(pressed.x, x));
  };
  const onPointerUp = (event: PointerEvent) => {
    const pressed = press.current;
    press.current = null;
    setChosen(null);
    if (!pressed) return;
    const { x, y } = at(event);
    if (!pressed.moved) return onClick(x, y);
    const range = rangeTo(pressed.x, x);
    if (range) props.onRange?.(range.start_s, range.end_s);
  };
  const onPointerCancel = () => {
    press.current = null;
    setChosen(null);
  };
  return { chosen, handlers: { onPointerDown, onPointerMove, onPointerUp, onPointerCancel } };
}
