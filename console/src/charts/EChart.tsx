import type { ECharts, EChartsCoreOption } from "echarts/core";
import { useEffect, useRef, useState } from "react";
import "./charts.css";
import { FONT, fontsReady, type Theme, useTheme } from "./theme";

export interface EChartProps {
  /** Builds the option for a theme; a new function draws the chart again. */
  option: (theme: Theme) => EChartsCoreOption;
  /** The sentence that stands for the picture. */
  sentence: string;
  /** Called when the chart is there and with null when it is disposed of. */
  onChart?: (chart: ECharts | null) => void;
  /** Called after each drawing. */
  onDrawn?: (chart: ECharts) => void;
}

/** One ECharts canvas: waits for the fonts, follows the theme and the size of its box. */
export function EChart({ option, sentence, onChart, onDrawn }: EChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const theme = useTheme();
  const [chart, setChart] = useState<ECharts | null>(null);
  const [failed, setFailed] = useState<unknown>();
  const told = useRef({ onChart, onDrawn });
  told.current = { onChart, onDrawn };

  useEffect(() => {
    const element = box.current;
    if (!element) return;
    let made: ECharts | null = null;
    let gone = false;
    const sizes = new ResizeObserver(() => {
      // The first call comes before there is an option, and there is nothing to measure then.
      if (!made?.getOption()) return;
      made.resize();
      told.current.onDrawn?.(made);
    });
    const start = ([{ init }]: [typeof import("./engine"), unknown]) => {
      if (gone) return;
      made = init(element, null, { renderer: "canvas" });
      setChart(made);
      told.current.onChart?.(made);
      sizes.observe(element);
    };
    Promise.all([import("./engine"), fontsReady()]).then(
      start,
      (error) => !gone && setFailed(error),
    );
    return () => {
      gone = true;
      sizes.disconnect();
      told.current.onChart?.(null);
      made?.dispose();
      setChart(null);
    };
  }, []);

  useEffect(() => {
    if (!chart || chart.isDisposed()) return;
    chart.setOption({ animation: false, ...option(theme) }, { notMerge: true });
    told.current.onDrawn?.(chart);
  }, [chart, option, theme]);

  // The engine did not come, after an upgrade of the server say: the page says so.
  if (failed) throw failed;
  return <div ref={box} className="chart-canvas" role="img" aria-label={sentence} />;
}

/** The look of tooltips. */
export const tooltipOf = (theme: Theme) => ({
  backgroundColor: theme.colour("surface"),
  borderColor: theme.colour("line-strong"),
  borderWidth: 1,
  padding: [8, 10],
  textStyle: { color: theme.colour("text"), fontSize: 12, fontFamily: FONT },
  extraCssText: "border-radius:6px;box-shadow:var(--shadow-pop);z-index:30",
  confine: true,
  transitionDuration: 0,
});

/** The look of axes. */
export const axisOf = (theme: Theme) => ({
  axisLine: { lineStyle: { color: theme.colour("line-strong") } },
  axisTick: { show: false },
  axisLabel: { color: theme.colour("text-3"), fontSize: 11, fontFamily: FONT },
  splitLine: { lineStyle: { color: theme.colour("line") } },
});

/** Room for the labels of the axes within the box. */
export const gridOf = (left: number, right: number, top: number, bottom: number) => ({
  left,
  right,
  top,
  bottom,
  outerBoundsMode: "same",
  outerBoundsContain: "axisLabel",
});

const ESCAPES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** Text for a tooltip, which is HTML: names of addresses come from outside. */
export const escaped = (text: string): string => text.replace(/[&<>"]/g, (c) => ESCAPES[c] ?? c);

/** One line of a tooltip: mark, name, value. */
export function tooltipLine(name: string, value: string, colour?: string, mark = "square"): string {
  const shape = mark === "dash" ? "height:0;border-top:2px dashed" : "height:10px;background:";
  const style = mark === "dash" ? `${shape} ${colour}` : shape + colour;
  const dot = colour
    ? `<i style="display:inline-block;width:10px;border-radius:2px;margin-right:7px;vertical-align:${mark === "dash" ? 3 : -1}px;${style}"></i>`
    : "";
  return `<div style="display:flex;gap:18px;justify-content:space-between"><span>${dot}${escaped(name)}</span><b style="font-weight:600;font-variant-numeric:tabular-nums">${escaped(value)}</b></div>`;
}

/** The first line of a tooltip. */
export const tooltipHead = (text: string): string =>
  `<div style="margin-bottom:4px;color:var(--text-2)">${escaped(text)}</div>`;

/** Slanted lines over red, so that rejected is told apart without colour. */
export const hatchOf = (theme: Theme) => ({
  symbol: "rect",
  dashArrayX: [1, 0],
  dashArrayY: [1.5, 4.5],
  rotation: -Math.PI / 4,
  color: theme.faded("surface", 0.45),
});
