import { type PointerEvent, useEffect, useRef } from "react";
import type { CanvasUse } from "./useCanvas";
import { zoomed } from "./view";

interface PanZoomUse {
  onClick: (x: number, y: number) => void;
  onHover: (x: number, y: number) => void;
  onLeave: () => void;
}

const CLICK_WITHIN = 4;

/** Dragging moves the view, the wheel and two fingers zoom it, a press without movement is a click. */
export function usePanZoom(canvas: CanvasUse, use: PanZoomUse) {
  const pressed = useRef(new Map<number, { x: number; y: number }>());
  const start = useRef<{ x: number; y: number; moved: boolean } | null>(null);
  const box = useRef<HTMLDivElement | null>(null);
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    // React listens passively to the wheel, and the page would scroll along.
    const onWheel = (event: WheelEvent) => {
      event.preventDefault();
      const { left, top } = element.getBoundingClientRect();
      const factor = Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.0015));
      canvas.setView(zoomed(canvas.view(), factor, event.clientX - left, event.clientY - top));
    };
    element.addEventListener("wheel", onWheel, { passive: false });
    return () => element.removeEventListener("wheel", onWheel);
  }, [canvas]);
  const at = (event: PointerEvent) => {
    const { left, top } = event.currentTarget.getBoundingClientRect();
    return { x: event.clientX - left, y: event.clientY - top };
  };
  const onPointerDown = (event: PointerEvent) => {
    const point = at(event);
    pressed.current.set(event.pointerId, point);
    start.current = { ...point, moved: pressed.current.size > 1 };
    event.currentTarget.setPointerCapture(event.pointerId);
  };
  const onPointerMove = (event: PointerEvent) => {
    const point = at(event);
    const before = pressed.current.get(event.pointerId);
    if (!before || !start.current) return use.onHover(point.x, point.y);
    const far = Math.hypot(point.x - start.current.x, point.y - start.current.y);
    if (!start.current.moved && far < CLICK_WITHIN) return;
    start.current.moved = true;
    const other = [...pressed.current].find(([id]) => id !== event.pointerId)?.[1];
    const view = canvas.view();
    if (other) canvas.setView(pinched(view, other, before, point));
    else
      canvas.setView({ ...view, x: view.x + point.x - before.x, y: view.y + point.y - before.y });
    pressed.current.set(event.pointerId, point);
  };
  const onPointerUp = (event: PointerEvent) => {
    const clicked = start.current && !start.current.moved;
    pressed.current.delete(event.pointerId);
    if (pressed.current.size === 0) start.current = null;
    const { x, y } = at(event);
    if (clicked) use.onClick(x, y);
  };
  const onPointerCancel = (event: PointerEvent) => {
    pressed.current.delete(event.pointerId);
    start.current = null;
  };
  return {
    ref: box,
    onPointerDown,
    onPointerMove,
    onPointerUp,
    onPointerCancel,
    onPointerLeave: use.onLeave,
  };
}

type Point = { x: number; y: number };

function pinched(view: ReturnType<CanvasUse["view"]>, still: Point, before: Point, now: Point) {
  const apart = (point: Point) => Math.max(1, Math.hypot(point.x - still.x, point.y - still.y));
  return zoomed(view, apart(now) / apart(before), still.x, still.y);
}
