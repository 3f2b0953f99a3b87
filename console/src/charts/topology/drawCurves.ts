/** Draws links: what passed in blue, what was rejected beside it, red and dashed. */
import { type GraphLink, sizeOf } from "../graph";
import type { Theme } from "../theme";
import type { Curve, View } from "./view";

export interface CurveSet {
  curves: readonly Curve[];
  /** Links with fewer rejected records have no red part. */
  redFrom: number;
  look: "all" | "near";
}

/** Links are drawn in this many widths, each in one go. */
const WIDTHS = 5;
const within = (value: number): number => Math.min(WIDTHS - 1, Math.max(0, Math.floor(value)));
const byBytes = (link: GraphLink): number =>
  within((Math.log10(Math.max(1, sizeOf(link))) - 4) / 1.6);
const byRejected = (link: GraphLink): number =>
  within(Math.log10(Math.max(1, link.rejected)) - 0.7);

const OPACITY = { all: { plain: 0.24, red: 0.6 }, near: { plain: 0.75, red: 0.95 } };
/** The red part is bent more than the blue, so that both are seen. */
const RED_BEND = 1.7;
/** Many curves are fainter, else they are a cloud. */
const MANY = 300;

/** Curves of one look are one path: a thousand links are a dozen strokes. */
export function drawCurves(
  context: CanvasRenderingContext2D,
  theme: Theme,
  set: CurveSet,
  view: View,
) {
  const plain: Curve[][] = Array.from({ length: WIDTHS }, () => []);
  const red: Curve[][] = Array.from({ length: WIDTHS }, () => []);
  for (const curve of set.curves) {
    const { link } = curve;
    if (link.rejected < link.records || link.rejected === 0) plain[byBytes(link)]?.push(curve);
    if (link.rejected > 0 && link.rejected >= set.redFrom) red[byRejected(link)]?.push(curve);
  }
  const opacity = OPACITY[set.look];
  const faint = set.look === "all" && set.curves.length > MANY ? 0.6 : 1;
  const scale = Math.min(1.4, Math.max(0.6, view.scale * 1.2));
  context.setLineDash([]);
  context.strokeStyle = theme.faded("accept", opacity.plain * faint);
  plain.forEach((curves, width) => {
    context.lineWidth = (0.7 + width * 0.9) * scale;
    stroke(context, curves, view, 1);
  });
  context.setLineDash([5, 3]);
  context.strokeStyle = theme.faded("reject", opacity.red * faint);
  red.forEach((curves, width) => {
    context.lineWidth = (0.9 + width * 0.6) * scale;
    stroke(context, curves, view, RED_BEND);
  });
  context.setLineDash([]);
}

function stroke(
  context: CanvasRenderingContext2D,
  curves: readonly Curve[],
  { scale, x, y }: View,
  bend: number,
) {
  if (curves.length === 0) return;
  context.beginPath();
  for (const { from, to, bx, by } of curves) {
    const [mx, my] = [(from.x + to.x) / 2, (from.y + to.y) / 2];
    const [cx, cy] = [mx + (bx - mx) * bend, my + (by - my) * bend];
    context.moveTo(from.x * scale + x, from.y * scale + y);
    context.quadraticCurveTo(cx * scale + x, cy * scale + y, to.x * scale + x, to.y * scale + y);
  }
  context.stroke();
}
