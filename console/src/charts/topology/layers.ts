/** Bitmaps of a network: while it is moved a picture is copied, instead of drawing all of it again. */
import type { Theme } from "../theme";
import { drawFocus, drawGround, type Focus, type Ground } from "./draw";
import type { Size, View } from "./view";

export interface Scene {
  ground: Ground;
  focus: Focus;
}

interface Layer {
  canvas: HTMLCanvasElement;
  /** The view it was drawn for, and the size of what it was drawn for. */
  view: View;
  size: Size;
  /** What it was drawn from; another one makes it stale. */
  of: unknown[];
}

/** How much more than the window a layer holds at each side, as a part of the window. */
const MARGIN = 0.25;
/** A picture may be shown larger or smaller by this much while one zooms. */
const STRETCH_MAX = 1.8;
const DIMMED = 0.45;

const ratioNow = (): number => Math.min(2, window.devicePixelRatio || 1);
const same = (one: unknown[], other: unknown[]) => one.every((value, at) => value === other[at]);

export class Layers {
  private ground: Layer | null = null;
  private whole: Layer | null = null;

  /** Draws onto the canvas; while `moving`, from pictures made before where these reach. */
  paint(
    target: CanvasRenderingContext2D,
    theme: Theme,
    scene: Scene,
    now: { view: View; size: Size; moving: boolean },
  ) {
    const { view, size, moving } = now;
    if (!(moving && this.whole && reaches(this.whole, view, size) && this.isOf(scene, theme)))
      this.draw(theme, scene, view, size);
    const ratio = ratioNow();
    target.setTransform(ratio, 0, 0, ratio, 0, 0);
    target.clearRect(0, 0, size.width, size.height);
    if (this.whole) copy(target, this.whole, view);
  }

  private isOf(scene: Scene, theme: Theme): boolean {
    return this.whole !== null && same(this.whole.of, [theme, scene.ground, scene.focus]);
  }

  private draw(theme: Theme, scene: Scene, view: View, size: Size) {
    const { ground, focus } = scene;
    const stale =
      !this.ground || !same(this.ground.of, [theme, ground]) || !isAt(this.ground, view, size);
    if (stale) {
      this.ground = blank(this.ground, view, size, [theme, ground]);
      drawGround(contextOf(this.ground), theme, ground, sightOf(view, size));
    } else if (this.isOf(scene, theme) && this.whole && isAt(this.whole, view, size)) return;
    const under = this.ground;
    if (!under) return;
    this.whole = blank(this.whole, view, size, [theme, ground, focus]);
    const context = contextOf(this.whole);
    const inFocus = focus.node !== null || focus.selected !== null || focus.curves.length > 0;
    context.save();
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.globalAlpha = inFocus ? DIMMED : 1;
    context.drawImage(under.canvas, 0, 0);
    context.restore();
    if (inFocus) drawFocus(context, theme, ground, focus, sightOf(view, size));
  }
}

const isAt = (layer: Layer, view: View, size: Size): boolean =>
  layer.view.scale === view.scale &&
  layer.view.x === view.x &&
  layer.view.y === view.y &&
  layer.size.width === size.width &&
  layer.size.height === size.height;

/** Whether a layer made for another view covers the window in this one. */
function reaches(layer: Layer, view: View, size: Size): boolean {
  if (layer.size.width !== size.width || layer.size.height !== size.height) return false;
  const stretch = view.scale / layer.view.scale;
  if (stretch > STRETCH_MAX || stretch < 1 / STRETCH_MAX) return false;
  const { left, top, width, height } = placeIn(layer, view);
  return left <= 0 && top <= 0 && left + width >= size.width && top + height >= size.height;
}

function placeIn(layer: Layer, view: View) {
  const stretch = view.scale / layer.view.scale;
  const { width, height } = layer.size;
  return {
    left: view.x - (layer.view.x + width * MARGIN) * stretch,
    top: view.y - (layer.view.y + height * MARGIN) * stretch,
    width: width * (1 + 2 * MARGIN) * stretch,
    height: height * (1 + 2 * MARGIN) * stretch,
  };
}

function copy(target: CanvasRenderingContext2D, layer: Layer, view: View) {
  const { left, top, width, height } = placeIn(layer, view);
  const still = view.scale === layer.view.scale;
  // On whole pixels the copy is exact and the fastest.
  const at = (value: number) => (still ? Math.round(value * ratioNow()) / ratioNow() : value);
  target.drawImage(layer.canvas, at(left), at(top), width, height);
}

/** An empty layer, in the canvas of an older one where there is one. */
function blank(old: Layer | null, view: View, size: Size, of: unknown[]): Layer {
  const canvas = old?.canvas ?? document.createElement("canvas");
  const ratio = ratioNow();
  const width = Math.round(size.width * (1 + 2 * MARGIN) * ratio);
  const height = Math.round(size.height * (1 + 2 * MARGIN) * ratio);
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  const layer = { canvas, view: { ...view }, size: { ...size }, of };
  const context = contextOf(layer);
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return layer;
}

function contextOf(layer: Layer): CanvasRenderingContext2D {
  const context = layer.canvas.getContext("2d");
  if (!context) throw new Error("the browser has no canvas");
  return context;
}

/** The view and size of the layer's own canvas. */
const sightOf = (view: View, size: Size) => ({
  view: { ...view, x: view.x + size.width * MARGIN, y: view.y + size.height * MARGIN },
  size: { width: size.width * (1 + 2 * MARGIN), height: size.height * (1 + 2 * MARGIN) },
});
