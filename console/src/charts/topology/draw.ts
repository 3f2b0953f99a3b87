/** Draws a network onto a canvas. */
import type { GraphNode } from "../graph";
import { sizeOf } from "../graph";
import { FONT, type Theme } from "../theme";
import type { Box, Layout, Place } from "./layout";
import type { Curve, Size, View } from "./view";

export interface Scene {
  layout: Layout;
  curves: readonly Curve[];
  /** The node whose links stand out. */
  focus: string | null;
  selected: string | null;
}

const KIND_TOKEN: Record<string, string> = {
  internet: "c6",
  service: "c3",
  network: "c6",
  host: "c8",
  other: "c6",
  subnet: "c2",
  vpc: "c2",
  group: "c4",
};

/** Links are drawn in this many widths, each in one go. */
const WIDTHS = 5;

const widthClass = (bytes: number): number =>
  Math.min(WIDTHS - 1, Math.max(0, Math.floor((Math.log10(Math.max(1, bytes)) - 4) / 1.6)));

/** Draws everything; the canvas is in device pixels, the view in CSS pixels. */
export function drawScene(
  context: CanvasRenderingContext2D,
  theme: Theme,
  scene: Scene,
  view: View,
  size: Size,
) {
  const ratio = window.devicePixelRatio || 1;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, size.width, size.height);
  for (const box of scene.layout.boxes) drawBox(context, theme, box, view);
  drawCurves(context, theme, scene, view);
  const linked = linkedTo(scene);
  const seen = scene.layout.places.filter((place) => inSight(place, view, size));
  for (const place of seen) drawNode(context, theme, place, scene, view, linked);
  drawLabels(context, theme, seen, scene, view, linked);
}

function inSight(place: Place, view: View, size: Size): boolean {
  const x = place.x * view.scale + view.x;
  const y = place.y * view.scale + view.y;
  return x > -60 && y > -40 && x < size.width + 60 && y < size.height + 40;
}

function linkedTo({ curves, focus }: Scene): ReadonlySet<string> | null {
  if (!focus) return null;
  const ids = new Set([focus]);
  for (const { link } of curves) {
    if (link.source === focus) ids.add(link.target);
    if (link.target === focus) ids.add(link.source);
  }
  return ids;
}

function drawBox(context: CanvasRenderingContext2D, theme: Theme, box: Box, view: View) {
  const x = box.x * view.scale + view.x;
  const y = box.y * view.scale + view.y;
  const [width, height] = [box.width * view.scale, box.height * view.scale];
  context.beginPath();
  context.roundRect(x, y, width, height, box.depth === 0 ? 10 : 6);
  context.fillStyle = theme.colour(box.depth === 0 ? "raised" : "surface");
  context.fill();
  context.lineWidth = 1;
  context.strokeStyle = theme.colour(box.depth === 0 ? "line-strong" : "line");
  context.stroke();
  const room = width - 20;
  const least = box.depth === 0 ? 4 : 9;
  if (room < 24 || view.scale * 26 < least) return;
  context.textAlign = "left";
  context.textBaseline = "middle";
  const font = Math.min(13, Math.max(9, 12 * view.scale));
  context.font = `600 ${font}px ${FONT}`;
  context.fillStyle = theme.colour(box.depth === 0 ? "text" : "text-2");
  context.fillText(
    clipped(context, box.node.name, room),
    x + 10,
    y + Math.max(7, 14 * view.scale),
    room,
  );
}

function clipped(context: CanvasRenderingContext2D, text: string, room: number): string {
  if (context.measureText(text).width <= room) return text;
  let kept = text;
  while (kept.length > 1 && context.measureText(`${kept}…`).width > room) kept = kept.slice(0, -1);
  return `${kept}…`;
}

/** Curves of one look are one path: a thousand links are a dozen strokes. */
function drawCurves(context: CanvasRenderingContext2D, theme: Theme, scene: Scene, view: View) {
  const groups = new Map<string, Curve[]>();
  for (const curve of scene.curves) {
    const { link } = curve;
    const near = scene.focus
      ? link.source === scene.focus || link.target === scene.focus
        ? "near"
        : "far"
      : "all";
    const key = `${near} ${link.rejected > 0 ? "red" : "plain"} ${widthClass(sizeOf(link))}`;
    const group = groups.get(key);
    if (group) group.push(curve);
    else groups.set(key, [curve]);
  }
  // Red over blue, what is in focus over all.
  const order = [...groups.keys()].sort(
    (one, other) => rankOf(one) - rankOf(other) || one.localeCompare(other),
  );
  for (const key of order) strokeGroup(context, theme, key, groups.get(key) ?? [], view);
  context.setLineDash([]);
}

const rankOf = (key: string): number =>
  (key.startsWith("near") ? 2 : 0) + (key.includes("red") ? 1 : 0);

const OPACITY: Record<string, [plain: number, red: number]> = {
  all: [0.24, 0.7],
  near: [0.75, 0.95],
  far: [0.05, 0.1],
};

function strokeGroup(
  context: CanvasRenderingContext2D,
  theme: Theme,
  key: string,
  curves: readonly Curve[],
  view: View,
) {
  const [near = "all", look, width] = key.split(" ");
  const red = look === "red";
  const opacity = OPACITY[near]?.[red ? 1 : 0] ?? 0.3;
  context.strokeStyle = theme.faded(red ? "reject" : "accept", opacity);
  context.lineWidth = (0.7 + Number(width) * 0.9) * Math.min(1.4, Math.max(0.6, view.scale * 1.2));
  context.setLineDash(red ? [5, 3] : []);
  context.beginPath();
  const { scale, x, y } = view;
  for (const { from, to, bx, by } of curves) {
    context.moveTo(from.x * scale + x, from.y * scale + y);
    context.quadraticCurveTo(bx * scale + x, by * scale + y, to.x * scale + x, to.y * scale + y);
  }
  context.stroke();
}

const sizeAt = (view: View): number => Math.min(1.6, Math.max(0.45, view.scale));

function drawNode(
  context: CanvasRenderingContext2D,
  theme: Theme,
  place: Place,
  scene: Scene,
  view: View,
  linked: ReadonlySet<string> | null,
) {
  const x = place.x * view.scale + view.x;
  const y = place.y * view.scale + view.y;
  const radius = place.radius * sizeAt(view);
  const dim = linked !== null && !linked.has(place.node.id);
  context.globalAlpha = dim ? 0.3 : 1;
  shape(context, place.node, x, y, radius);
  context.fillStyle = theme.colour(KIND_TOKEN[place.node.kind] ?? "c1");
  context.fill();
  context.lineWidth = place.node.rejected > 0 ? 1.8 : 1.2;
  context.strokeStyle = theme.colour(place.node.rejected > 0 ? "reject" : "surface");
  context.stroke();
  if (place.node.id === scene.selected || place.node.id === scene.focus) {
    shape(context, place.node, x, y, radius + 4);
    context.lineWidth = 2;
    context.strokeStyle = theme.colour(place.node.id === scene.selected ? "accent" : "text-2");
    context.stroke();
  }
  context.globalAlpha = 1;
}

/** Interfaces are round, services and the Internet square: not told by colour alone. */
function shape(
  context: CanvasRenderingContext2D,
  node: GraphNode,
  x: number,
  y: number,
  r: number,
) {
  context.beginPath();
  if (node.kind === "interface" || node.kind === "host") context.arc(x, y, r, 0, 2 * Math.PI);
  else context.roundRect(x - r, y - r, 2 * r, 2 * r, 3);
}

/** Below this labels would lie over the nodes beside them; those in focus are still named. */
const LABEL_SCALE_MIN = 0.55;

function drawLabels(
  context: CanvasRenderingContext2D,
  theme: Theme,
  places: readonly Place[],
  scene: Scene,
  view: View,
  linked: ReadonlySet<string> | null,
) {
  context.textAlign = "center";
  context.textBaseline = "top";
  context.font = `500 11px ${FONT}`;
  context.lineJoin = "round";
  const taken: number[][] = [];
  const first = (place: Place) =>
    place.node.id === scene.selected || place.node.id === scene.focus
      ? 2
      : linked?.has(place.node.id) || place.node.kind === "internet"
        ? 1
        : 0;
  const order = [...places].sort(
    (one, other) => first(other) - first(one) || other.node.bytes - one.node.bytes,
  );
  for (const place of order) {
    if (view.scale < LABEL_SCALE_MIN && first(place) === 0) continue;
    if (linked && !linked.has(place.node.id)) continue;
    const own = first(place) > 0;
    const text = clipped(context, place.node.name, own ? 160 : 80 * view.scale);
    const x = place.x * view.scale + view.x;
    const y = place.y * view.scale + view.y + place.radius * sizeAt(view) + 3;
    const half = context.measureText(text).width / 2 + 3;
    const box = [x - half, y, x + half, y + 13];
    if (taken.some((other) => overlap(box, other))) continue;
    taken.push(box);
    context.lineWidth = 3;
    context.strokeStyle = theme.faded("surface", 0.85);
    context.strokeText(text, x, y);
    context.fillStyle = theme.colour("text");
    context.fillText(text, x, y);
  }
}

function overlap(one: readonly number[], other: readonly number[]): boolean {
  const [l1 = 0, t1 = 0, r1 = 0, b1 = 0] = one;
  const [l2 = 0, t2 = 0, r2 = 0, b2 = 0] = other;
  return l1 < r2 && l2 < r1 && t1 < b2 && t2 < b1;
}
