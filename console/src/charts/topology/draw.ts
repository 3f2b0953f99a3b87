/** Draws a network onto a canvas: its ground, and over it what is in focus. */
import { bytesText } from "../format";
import type { GraphNode } from "../graph";
import { FONT, type Theme } from "../theme";
import { drawCurves } from "./drawCurves";
import { clipped, drawLabels } from "./drawLabels";
import { type Box, isCard, type Layout, type Place } from "./layout";
import { type Curve, type Size, sizeAt, type View } from "./view";

/** What is drawn whatever is pointed at. */
export interface Ground {
  layout: Layout;
  curves: readonly Curve[];
  /** Links with fewer rejected records are not red. */
  redFrom: number;
}

/** What stands out over the ground. */
export interface Focus {
  /** The node or box that is pointed at, by mouse or keys. */
  node: string | null;
  selected: string | null;
  /** The links of those, or the link itself. */
  curves: readonly Curve[];
}

/** What a layer is drawn for; the view is in CSS pixels. */
export interface Sight {
  view: View;
  size: Size;
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

/** Boxes, all curves, all nodes and as many names as there is room for. */
export function drawGround(
  context: CanvasRenderingContext2D,
  theme: Theme,
  ground: Ground,
  { view, size }: Sight,
) {
  for (const box of ground.layout.boxes) drawBox(context, theme, box, ground.layout.head, view);
  drawCurves(context, theme, { curves: ground.curves, redFrom: ground.redFrom, look: "all" }, view);
  const seen = ground.layout.places.filter((place) => inSight(place, view, size));
  for (const place of seen) drawNode(context, theme, place, view);
  drawLabels(context, theme, seen, view, new Set());
}

/** The links in focus, their ends, and the marks of what is selected. */
export function drawFocus(
  context: CanvasRenderingContext2D,
  theme: Theme,
  ground: Ground,
  focus: Focus,
  { view, size }: Sight,
) {
  const own = { curves: focus.curves, redFrom: 1, look: "near" as const };
  drawCurves(context, theme, own, view);
  const ids = new Set(focus.curves.flatMap(({ link }) => [link.source, link.target]));
  for (const id of [focus.node, focus.selected]) if (id) ids.add(id);
  const seen = ground.layout.places.filter(
    (place) => ids.has(place.node.id) && inSight(place, view, size),
  );
  for (const place of seen) drawNode(context, theme, place, view);
  for (const place of seen) markNode(context, theme, place, view, focus);
  for (const box of ground.layout.boxes) markBox(context, theme, box, view, focus);
  drawLabels(context, theme, seen, view, new Set([focus.node, focus.selected]));
}

function inSight(place: Place, view: View, size: Size): boolean {
  const x = place.x * view.scale + view.x;
  const y = place.y * view.scale + view.y;
  const [wide, high] = [place.halfWidth * view.scale + 60, place.halfHeight * view.scale + 40];
  return x > -wide && y > -high && x < size.width + wide && y < size.height + high;
}

const boxRect = (box: Box, { scale, x, y }: View): [number, number, number, number] => [
  box.x * scale + x,
  box.y * scale + y,
  box.width * scale,
  box.height * scale,
];

/** The least height of a head that holds its name. */
const HEAD_PIXELS_MIN = 13;

function drawBox(
  context: CanvasRenderingContext2D,
  theme: Theme,
  box: Box,
  head: number,
  view: View,
) {
  const [x, y, width, height] = boxRect(box, view);
  context.beginPath();
  context.roundRect(x, y, width, height, box.depth === 0 ? 10 : 6);
  context.fillStyle = theme.colour(box.depth === 0 ? "raised" : "surface");
  context.fill();
  context.lineWidth = 1;
  context.strokeStyle = theme.colour(box.depth === 0 ? "line-strong" : "line");
  context.stroke();
  const high = head * view.scale;
  const over = box.depth === 0 && high < HEAD_PIXELS_MIN;
  if (width < 44 || (high < HEAD_PIXELS_MIN && !over)) return;
  context.textAlign = "left";
  context.textBaseline = "middle";
  const pixels = Math.min(13, Math.max(11, high * 0.5));
  const middle = over ? y - 9 : y + Math.min(high / 2 + 1, 16);
  context.font = `600 ${pixels}px ${FONT}`;
  context.fillStyle = theme.colour(box.depth === 0 ? "text" : "text-2");
  const name = clipped(context, box.node.name, width - 20);
  context.fillText(name, x + 10, middle);
  const used = context.measureText(name).width + 8;
  if (!box.node.note || over) return;
  context.font = `400 ${pixels - 1}px ${FONT}`;
  if (context.measureText(box.node.note).width > width - 20 - used) return;
  context.fillStyle = theme.colour("text-3");
  context.fillText(box.node.note, x + 10 + used, middle);
}

function markBox(
  context: CanvasRenderingContext2D,
  theme: Theme,
  box: Box,
  view: View,
  focus: Focus,
) {
  if (box.node.id !== focus.selected && box.node.id !== focus.node) return;
  const [x, y, width, height] = boxRect(box, view);
  context.beginPath();
  context.roundRect(x, y, width, height, box.depth === 0 ? 10 : 6);
  context.lineWidth = 2;
  context.strokeStyle = theme.colour(box.node.id === focus.selected ? "accent" : "text-3");
  context.stroke();
}

function drawNode(context: CanvasRenderingContext2D, theme: Theme, place: Place, view: View) {
  const x = place.x * view.scale + view.x;
  const y = place.y * view.scale + view.y;
  const { node } = place;
  const red = node.rejected > 0 && node.rejected >= node.records / 2;
  if (isCard(node)) return drawCard(context, theme, place, view);
  shape(context, node, x, y, place.radius * sizeAt(view));
  context.fillStyle = theme.colour(KIND_TOKEN[node.kind] ?? "c1");
  context.fill();
  context.lineWidth = red ? 2 : 1.2;
  context.strokeStyle = theme.colour(red ? "reject" : "surface");
  context.stroke();
}

/** A VPC or subnet as a whole: a bar of its kind's colour, its name, and what it moved. */
function drawCard(context: CanvasRenderingContext2D, theme: Theme, place: Place, view: View) {
  const { scale } = view;
  const [wide, high] = [place.halfWidth * scale, place.halfHeight * scale];
  const x = place.x * scale + view.x - wide;
  const y = place.y * scale + view.y - high;
  context.beginPath();
  context.roundRect(x, y, 2 * wide, 2 * high, 6);
  context.fillStyle = theme.colour("surface");
  context.fill();
  context.lineWidth = 1;
  context.strokeStyle = theme.colour("line-strong");
  context.stroke();
  context.beginPath();
  context.roundRect(x, y, Math.max(2, 5 * scale), 2 * high, [6, 0, 0, 6]);
  context.fillStyle = theme.colour(KIND_TOKEN[place.node.kind] ?? "c1");
  context.fill();
  const room = 2 * wide - 22 * scale;
  if (high < 7) return;
  context.textAlign = "left";
  context.textBaseline = "middle";
  const pixels = Math.min(15, Math.max(11, 12.5 * scale));
  const two = high > 17;
  const left = x + 14 * scale;
  context.font = `600 ${pixels}px ${FONT}`;
  context.fillStyle = theme.colour("text");
  context.fillText(clipped(context, place.node.name, room), left, y + high - (two ? 8 * scale : 0));
  if (!two) return;
  context.font = `400 ${pixels - 1}px ${FONT}`;
  context.fillStyle = theme.colour("text-2");
  const note = place.node.note
    ? `${bytesText(place.node.bytes)} · ${place.node.note}`
    : bytesText(place.node.bytes);
  context.fillText(clipped(context, note, room), left, y + high + 9 * scale);
}

function markNode(
  context: CanvasRenderingContext2D,
  theme: Theme,
  place: Place,
  view: View,
  focus: Focus,
) {
  const { id } = place.node;
  if (id !== focus.selected && id !== focus.node) return;
  const x = place.x * view.scale + view.x;
  const y = place.y * view.scale + view.y;
  if (isCard(place.node)) {
    const [wide, high] = [place.halfWidth * view.scale + 3, place.halfHeight * view.scale + 3];
    context.beginPath();
    context.roundRect(x - wide, y - high, 2 * wide, 2 * high, 8);
  } else shape(context, place.node, x, y, place.radius * sizeAt(view) + 4);
  context.lineWidth = 2;
  context.strokeStyle = theme.colour(id === focus.selected ? "accent" : "text-2");
  context.stroke();
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
