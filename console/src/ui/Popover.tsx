import {
  type ReactNode,
  type RefObject,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
} from "react";
import { createPortal } from "react-dom";

/** Room between a popover and what it hangs on, and the window's edge. */
const GAP = 6;
const EDGE = 8;

export interface PopoverProps {
  anchor: RefObject<HTMLElement | null>;
  onClose: () => void;
  children: ReactNode;
  align?: "start" | "end";
  className?: string;
  /** Takes the width of its anchor at least. */
  wide?: boolean;
}

/** A box that hangs below its anchor, within the window; Esc, a click elsewhere or Tab close it. */
export function Popover({ anchor, onClose, children, align = "start", ...rest }: PopoverProps) {
  const box = useRef<HTMLDivElement>(null);
  const [place, setPlace] = useState<{ left: number; top: number; minWidth?: number }>();
  useLayoutEffect(() => {
    const put = () => {
      const from = anchor.current?.getBoundingClientRect();
      const own = box.current?.getBoundingClientRect();
      if (!from || !own) return;
      const want = align === "end" ? from.right - own.width : from.left;
      const left = Math.max(EDGE, Math.min(want, window.innerWidth - own.width - EDGE));
      const under = from.bottom + GAP;
      const over = from.top - GAP - own.height;
      const fits = under + own.height <= window.innerHeight - EDGE || over < EDGE;
      const top = fits
        ? Math.min(under, Math.max(EDGE, window.innerHeight - own.height - EDGE))
        : over;
      setPlace({ left, top, minWidth: rest.wide ? from.width : undefined });
    };
    put();
    const watch = new ResizeObserver(put);
    if (box.current) watch.observe(box.current);
    window.addEventListener("resize", put);
    window.addEventListener("scroll", put, true);
    return () => {
      watch.disconnect();
      window.removeEventListener("resize", put);
      window.removeEventListener("scroll", put, true);
    };
  }, [anchor, align, rest.wide]);
  useEffect(() => {
    const outside = (event: PointerEvent) => {
      const target = event.target as Node;
      if (box.current?.contains(target) || anchor.current?.contains(target)) return;
      onClose();
    };
    // Before others see it: Esc closes what is on top, wherever the focus is.
    const press = (event: KeyboardEvent) => {
      if (event.key !== "Escape") return;
      event.preventDefault();
      event.stopPropagation();
      onClose();
      anchor.current?.focus();
    };
    document.addEventListener("pointerdown", outside, true);
    document.addEventListener("keydown", press, true);
    return () => {
      document.removeEventListener("pointerdown", outside, true);
      document.removeEventListener("keydown", press, true);
    };
  }, [anchor, onClose]);
  return createPortal(
    <div
      ref={box}
      className={`popover ${rest.className ?? ""}`}
      style={place ?? { visibility: "hidden", left: 0, top: 0 }}
    >
      {children}
    </div>,
    layerOf(anchor.current),
  );
}

/**
 * Where boxes over an element go: a modal dialog makes everything outside of it dead, and what
 * stands outside of the page's landmarks is not found by who jumps between them.
 */
export function layerOf(element: Element | null): Element {
  return element?.closest("dialog") ?? document.getElementById("main") ?? document.body;
}
