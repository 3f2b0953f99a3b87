import { type ReactNode, useEffect, useRef, useState } from "react";
import { createPortal } from "react-dom";
import { layerOf } from "./Popover";

/** A pointer that rests this long wants to know. */
const DELAY_MS = 400;

/** Shows a line of text over its child while the pointer or focus is there. */
export function Tooltip({ text, children }: { text: ReactNode; children: ReactNode }) {
  const [at, setAt] = useState<{ x: number; y: number; below: boolean } | null>(null);
  const anchor = useRef<HTMLSpanElement>(null);
  const timer = useRef(0);
  useEffect(() => () => window.clearTimeout(timer.current), []);
  const show = () => {
    window.clearTimeout(timer.current);
    timer.current = window.setTimeout(() => {
      const box = (anchor.current?.firstElementChild ?? anchor.current)?.getBoundingClientRect();
      if (!box || !text) return;
      const below = box.top < 60;
      const x = Math.min(window.innerWidth - 8, Math.max(8, box.left + box.width / 2));
      setAt({ x, y: below ? box.bottom + 6 : box.top - 6, below });
    }, DELAY_MS);
  };
  const hide = () => {
    window.clearTimeout(timer.current);
    setAt(null);
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: only watches; the child takes the input
    <span
      ref={anchor}
      className="tip-anchor"
      onPointerEnter={show}
      onPointerLeave={hide}
      onPointerDown={hide}
      onFocus={show}
      onBlur={hide}
      onKeyDown={(event) => event.key === "Escape" && hide()}
    >
      {children}
      {at &&
        createPortal(
          <span
            role="tooltip"
            className={`tip ${at.below ? "below" : ""} ${edgeOf(at.x)}`}
            style={{ left: at.x, top: at.y }}
          >
            {text}
          </span>,
          layerOf(anchor.current),
        )}
    </span>
  );
}

function edgeOf(x: number): string {
  if (x < 120) return "from-left";
  return x > window.innerWidth - 120 ? "from-right" : "";
}
