/** Names of nodes, where they have room. */
import { FONT, type Theme } from "../theme";
import { isCard, type Place } from "./layout";
import { sizeAt, type View } from "./view";

/** Below this names would lie over the nodes beside them; those in focus are still named. */
const LABEL_SCALE_MIN = 0.62;
/** Below this only the Internet is named of what stands outside. */
const OUTSIDE_SCALE_MIN = 0.3;
/** Names of what is linked to the focus, before the rest goes unnamed. */
const LABELS_MAX = 160;

/** Names under nodes, those of `first` before the others, then by bytes; none over another. */
export function drawLabels(
  context: CanvasRenderingContext2D,
  theme: Theme,
  places: readonly Place[],
  view: View,
  first: ReadonlySet<string | null>,
) {
  context.textAlign = "center";
  context.textBaseline = "top";
  context.font = `500 11px ${FONT}`;
  context.lineJoin = "round";
  const taken: number[][] = [];
  const rank = ({ node }: Place) =>
    first.has(node.id) ? 2 : isNamedAt(node.kind, view.scale) ? 1 : 0;
  const order = places
    .filter((place) => !isCard(place.node) && (view.scale >= LABEL_SCALE_MIN || rank(place) > 0))
    .sort((one, other) => rank(other) - rank(one) || other.node.bytes - one.node.bytes)
    .slice(0, view.scale >= 1 ? places.length : LABELS_MAX);
  for (const place of order) {
    const text = clipped(context, place.node.name, rank(place) > 0 ? 180 : 80 * view.scale);
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

function isNamedAt(kind: string, scale: number): boolean {
  if (kind === "internet") return true;
  return kind !== "interface" && kind !== "host" && scale >= OUTSIDE_SCALE_MIN;
}

/** A text with an ellipsis where it is wider than its room. */
export function clipped(context: CanvasRenderingContext2D, text: string, room: number): string {
  const width = context.measureText(text).width;
  if (width <= room) return text;
  // The first guess is by average width, so that a long name is not measured letter by letter.
  let kept = text.slice(0, Math.max(1, Math.ceil((text.length * room) / width)));
  while (kept.length > 1 && context.measureText(`${kept}…`).width > room) kept = kept.slice(0, -1);
  return `${kept}…`;
}

function overlap(one: readonly number[], other: readonly number[]): boolean {
  const [l1 = 0, t1 = 0, r1 = 0, b1 = 0] = one;
  const [l2 = 0, t2 = 0, r2 = 0, b2 = 0] = other;
  return l1 < r2 && l2 < r1 && t1 < b2 && t2 < b1;
}
