import type { KeyboardEvent, PointerEvent } from "react";

/** The narrowest column, and how far an arrow key moves its edge. */
const WIDTH_MIN = 48;
const KEY_STEP = 16;

/** The edge of a column's head: drag it, or use the arrow keys, to change the width. */
export function Resizer({ label, onWidth }: { label: string; onWidth: (width: number) => void }) {
  const grab = (event: PointerEvent<HTMLSpanElement>) => {
    event.preventDefault();
    event.stopPropagation();
    const edge = event.currentTarget;
    const before = edge.parentElement?.getBoundingClientRect().width ?? WIDTH_MIN;
    const from = event.clientX;
    const move = (next: globalThis.PointerEvent) =>
      onWidth(Math.max(WIDTH_MIN, before + next.clientX - from));
    const stop = () => {
      edge.removeEventListener("pointermove", move);
      edge.removeEventListener("pointerup", stop);
      edge.removeEventListener("pointercancel", stop);
    };
    edge.setPointerCapture(event.pointerId);
    edge.addEventListener("pointermove", move);
    edge.addEventListener("pointerup", stop);
    edge.addEventListener("pointercancel", stop);
  };
  const press = (event: KeyboardEvent<HTMLSpanElement>) => {
    const by = { ArrowLeft: -KEY_STEP, ArrowRight: KEY_STEP }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    const before = event.currentTarget.parentElement?.getBoundingClientRect().width ?? WIDTH_MIN;
    onWidth(Math.max(WIDTH_MIN, before + by));
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: a line cannot be dragged
    <span
      className="resizer"
      role="separator"
      aria-orientation="vertical"
      aria-label={`Width of ${label}`}
      aria-valuenow={0}
      tabIndex={-1}
      onPointerDown={grab}
      onKeyDown={press}
      onClick={(event) => event.stopPropagation()}
    />
  );
}
