import { useCallback, useEffect, useMemo, useRef } from "react";
import { fontsReady, useTheme } from "../theme";
import { Layers, type Scene } from "./layers";
import { fitted, type Size, type View } from "./view";

export interface CanvasUse {
  ref: (canvas: HTMLCanvasElement | null) => (() => void) | undefined;
  view: () => View;
  size: () => Size;
  setView: (view: View) => void;
  fit: () => void;
}

/** After the last movement, when all is drawn anew and sharp. */
const SETTLED_MS = 130;

/** A canvas that is drawn when something has changed, at most once a frame. */
export function useCanvas(scene: Scene): CanvasUse {
  const theme = useTheme();
  const layers = useRef<Layers | null>(null);
  const canvas = useRef<HTMLCanvasElement | null>(null);
  const size = useRef<Size>({ width: 0, height: 0 });
  const view = useRef<View | null>(null);
  const moved = useRef(false);
  const moving = useRef(0);
  const frame = useRef(0);
  const latest = useRef({ scene, theme });
  const draw = useCallback(() => {
    frame.current = 0;
    const context = canvas.current?.getContext("2d");
    if (!context || size.current.width === 0) return;
    const { scene: now, theme: colours } = latest.current;
    view.current ??= fitted(now.ground.layout, size.current);
    layers.current ??= new Layers();
    const at = { view: view.current, size: size.current, moving: moving.current !== 0 };
    layers.current.paint(context, colours, now, at);
  }, []);
  const later = useCallback(() => {
    if (frame.current === 0) frame.current = requestAnimationFrame(draw);
  }, [draw]);
  useEffect(() => {
    // A new network is fitted into the box; the same one keeps its place.
    if (latest.current.scene.ground.layout !== scene.ground.layout) view.current = null;
    latest.current = { scene, theme };
    later();
  }, [scene, theme, later]);
  useEffect(
    () => () => {
      cancelAnimationFrame(frame.current);
      window.clearTimeout(moving.current);
    },
    [],
  );
  const ref = useCallback(
    (element: HTMLCanvasElement | null) => {
      canvas.current = element;
      if (!element) return;
      void fontsReady().then(later);
      return followSize(element, (now) => {
        size.current = now;
        if (!moved.current) view.current = null;
        draw();
      });
    },
    [draw, later],
  );
  return useMemo(() => {
    const change = (next: View | null) => {
      moved.current = next !== null;
      view.current = next;
      later();
    };
    return {
      ref,
      size: () => size.current,
      view: () => view.current ?? { scale: 1, x: 0, y: 0 },
      setView: (next: View) => {
        settle(moving, later);
        change(next);
      },
      fit: () => change(null),
    };
  }, [ref, later]);
}

/** Counts as moving until nothing has moved for a while. */
function settle(moving: { current: number }, later: () => void) {
  window.clearTimeout(moving.current);
  moving.current = window.setTimeout(() => {
    moving.current = 0;
    later();
  }, SETTLED_MS);
}

/** Gives a canvas as many pixels as it has room, now and whenever that changes. */
function followSize(element: HTMLCanvasElement, onSize: (size: Size) => void): () => void {
  const sizes = new ResizeObserver(() => {
    const { clientWidth: width, clientHeight: height } = element;
    const ratio = Math.min(2, window.devicePixelRatio || 1);
    element.width = Math.round(width * ratio);
    element.height = Math.round(height * ratio);
    onSize({ width, height });
  });
  sizes.observe(element);
  return () => sizes.disconnect();
}
