/** The window onto a layout: fitting, zooming, finding what is under a point. */
import type { GraphLink } from "../graph";
import type { Box, Layout, Place } from "./layout";

export interface View {
  scale: number;
  x: number;
  y: number;
}

export interface Size {
  width: number;
  height: number;
}

export const SCALE_MIN = 0.08;
export const SCALE_MAX = 4;
const MARGIN = 20;

/** All of a layout in a box, never larger than life. */
export function fitted(layout: Layout, size: Size): View {
  const scale = Math.min(
    (size.width - 2 * MARGIN) / Math.max(1, layout.width),
    (size.height - 2 * MARGIN) / Math.max(1, layout.height),
    1.25,
  );
  const kept = Math.min(SCALE_MAX, Math.max(SCALE_MIN, scale));
  return {
    scale: kept,
    x: (size.width - layout.width * kept) / 2,
    y: (size.height - layout.height * kept) / 2,
  };
}

/** The view after zooming by a factor about a point that stays where it is. */
export function zoomed(view: View, factor: number, x: number, y: number): View {
  const scale = Math.min(SCALE_MAX, Math.max(SCALE_MIN, view.scale * factor));
  const ratio = scale / view.scale;
  return { scale, x: x - (x - view.x) * ratio, y: y - (y - view.y) * ratio };
}

/** A view that has a place in sight, moved no more than needed. */
export function shown(view: View, place: Place, size: Size): View {
  const x = place.x * view.scale + view.x;
  const y = place.y * view.scale + view.y;
  const within = (at: number, most: number) => Math.min(most - 40, Math.max(40, at)) - at;
  return { ...view, x: view.x + within(x, size.width), y: view.y + within(y, size.height) };
}

/** A view with a place in its middle, near enough to read its name. */
export function centred(view: View, place: Place, size: Size): View {
  const scale = Math.max(view.scale, NAMED_SCALE);
  return { scale, x: size.width / 2 - place.x * scale, y: size.height / 2 - place.y * scale };
}

const NAMED_SCALE = 0.9;

/** How much larger or smaller nodes are drawn than they are laid out. */
export const sizeAt = (view: View): number => Math.min(1.6, Math.max(0.45, view.scale));

const CATCH = 6;

/** The node under a point of the screen. */
export function placeAt(layout: Layout, view: View, x: number, y: number): Place | null {
  let best: Place | null = null;
  let distance = Infinity;
  for (const place of layout.places) {
    const apartX = Math.abs(place.x * view.scale + view.x - x);
    const apartY = Math.abs(place.y * view.scale + view.y - y);
    const card = place.halfWidth > place.halfHeight;
    const scale = card ? view.scale : sizeAt(view);
    if (apartX > place.halfWidth * scale + CATCH || apartY > place.halfHeight * scale + CATCH)
      continue;
    const apart = Math.hypot(apartX, apartY);
    if (apart < distance) [best, distance] = [place, apart];
  }
  return best;
}

/** The innermost box whose head is under a point of the screen. */
export function boxAt(layout: Layout, view: View, x: number, y: number): Box | null {
  const px = (x - view.x) / view.scale;
  const py = (y - view.y) / view.scale;
  let best: Box | null = null;
  for (const box of layout.boxes) {
    const inside = px >= box.x && px <= box.x + box.width && py >= box.y;
    if (inside && py <= box.y + layout.head && (!best || box.depth > best.depth)) best = box;
  }
  return best;
}

export interface Curve {
  link: GraphLink;
  from: Place;
  to: Place;
  /** The point that bends the curve. */
  bx: number;
  by: number;
}

/** The curves of links whose two ends have a place. */
export function curvesOf(layout: Layout, links: readonly GraphLink[]): Curve[] {
  const places = new Map(layout.places.map((place) => [place.node.id, place]));
  return links.flatMap((link) => {
    const from = places.get(link.source);
    const to = places.get(link.target);
    if (!from || !to || from === to) return [];
    const [dx, dy] = [to.x - from.x, to.y - from.y];
    // Bent to one side, so that both ways between two nodes are seen.
    return [
      { link, from, to, bx: (from.x + to.x) / 2 - dy * 0.12, by: (from.y + to.y) / 2 + dx * 0.12 },
    ];
  });
}

/** The link that passes a point of the screen within a few pixels. */
export function curveAt(curves: readonly Curve[], view: View, x: number, y: number): Curve | null {
  const px = (x - view.x) / view.scale;
  const py = (y - view.y) / view.scale;
  const near = 5 / view.scale;
  for (const curve of curves) {
    for (let step = 1; step < 24; step += 1) {
      const t = step / 24;
      const u = 1 - t;
      const cx = u * u * curve.from.x + 2 * u * t * curve.bx + t * t * curve.to.x;
      const cy = u * u * curve.from.y + 2 * u * t * curve.by + t * t * curve.to.y;
      const reach = near + Math.hypot(curve.to.x - curve.from.x, curve.to.y - curve.from.y) / 60;
      if (Math.hypot(cx - px, cy - py) < Math.min(reach, near * 2)) return curve;
    }
  }
  return null;
}

const WAYS: Record<string, [number, number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** The next node in the direction of an arrow key; what lies straight ahead comes first. */
export function nextPlace(layout: Layout, from: Place | null, key: string): Place | null {
  const way = WAYS[key];
  if (!way) return null;
  if (!from) return layout.places[0] ?? null;
  let best: Place | null = null;
  let least = Infinity;
  for (const place of layout.places) {
    const ahead = (place.x - from.x) * way[0] + (place.y - from.y) * way[1];
    const aside = Math.abs((place.x - from.x) * way[1]) + Math.abs((place.y - from.y) * way[0]);
    if (ahead <= 1 || ahead < aside * 0.35) continue;
    const cost = ahead + aside * 2;
    if (cost < least) [best, least] = [place, cost];
  }
  return best;
}
