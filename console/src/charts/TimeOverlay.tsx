import type { ReactNode } from "react";
import { labelWidth, placeLabels } from "./markers";
import type { TimeMarker } from "./timeSeries";

/** Where the plot is in the box of the chart, pixels, and the times at its edges. */
export interface Plot {
  left: number;
  right: number;
  top: number;
  bottom: number;
  start_s: number;
  end_s: number;
}

export function xOf(plot: Plot, time_s: number): number {
  const share = (time_s - plot.start_s) / (plot.end_s - plot.start_s || 1);
  return plot.left + share * (plot.right - plot.left);
}

export function timeAt(plot: Plot, x: number): number {
  const share = (x - plot.left) / (plot.right - plot.left || 1);
  return plot.start_s + Math.min(1, Math.max(0, share)) * (plot.end_s - plot.start_s);
}

interface OverlayProps {
  plot: Plot;
  markers?: readonly TimeMarker[];
  onMarker?: (marker: TimeMarker) => void;
  /** The range that is being chosen. */
  chosen?: { start_s: number; end_s: number } | null;
  /** The cursor of another chart of the group. */
  cursor_s?: number | null;
}

/** What lies over a chart of time: markers, the range being chosen, the shared cursor. */
export function TimeOverlay({ plot, markers, onMarker, chosen, cursor_s }: OverlayProps) {
  const inside = (markers ?? []).filter((m) => m.at_s >= plot.start_s && m.at_s <= plot.end_s);
  const height = plot.bottom - plot.top;
  const line = (key: string, time_s: number, name: string): ReactNode => (
    <i key={key} className={name} style={{ left: xOf(plot, time_s), top: plot.top, height }} />
  );
  return (
    <div className="chart-overlay">
      {inside.map((marker) => line(`${marker.at_s} ${marker.label}`, marker.at_s, "marker-line"))}
      {cursor_s != null && cursor_s >= plot.start_s && cursor_s <= plot.end_s
        ? line("cursor", cursor_s, "cursor-line")
        : null}
      {chosen ? <Chosen plot={plot} chosen={chosen} /> : null}
      <MarkerLabels plot={plot} markers={inside} onMarker={onMarker} />
    </div>
  );
}

function Chosen({ plot, chosen }: { plot: Plot; chosen: { start_s: number; end_s: number } }) {
  const left = xOf(plot, chosen.start_s);
  const width = Math.max(1, xOf(plot, chosen.end_s) - left);
  return (
    <i
      className="chosen-range"
      style={{ left, width, top: plot.top, height: plot.bottom - plot.top }}
    />
  );
}

function MarkerLabels({ plot, markers, onMarker }: OverlayProps) {
  if (!markers?.length) return null;
  const wanted = markers.map((item) => ({ x: xOf(plot, item.at_s), text: item.label, item }));
  return placeLabels(wanted, plot.left, plot.right, labelWidth).map((label) => {
    const first = label.items[0];
    const style = { left: label.x, top: plot.top - 21, maxWidth: label.width + 10 };
    const all = label.items.map((item) => item.label).join(", ");
    return onMarker && first ? (
      <button
        type="button"
        key={all}
        className="marker-label"
        style={style}
        title={all}
        onClick={() => onMarker(first)}
      >
        {label.text}
      </button>
    ) : (
      <span key={all} className="marker-label" style={style} title={all}>
        {label.text}
      </span>
    );
  });
}
