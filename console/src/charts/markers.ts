/** Labels above a plot that do not run into each other. */

export interface Placed<T> {
  /** The middle of the label and its width, pixels. */
  x: number;
  width: number;
  text: string;
  items: T[];
}

const GAP = 8;

/**
 * Labels at their x, kept within [left, right]; what would overlap becomes one label of the first
 * with the number of the others behind it.
 */
export function placeLabels<T>(
  items: readonly { x: number; text: string; item: T }[],
  left: number,
  right: number,
  widthOf: (text: string) => number,
): Placed<T>[] {
  const placed: Placed<T>[] = [];
  const put = (x: number, text: string, of: T[]): Placed<T> => {
    const width = Math.min(widthOf(text), Math.max(0, right - left));
    const middle = Math.min(right - width / 2, Math.max(left + width / 2, x));
    return { x: middle, width, text, items: of };
  };
  for (const { x, text, item } of [...items].sort((one, other) => one.x - other.x)) {
    let next = put(x, text, [item]);
    let before = placed[placed.length - 1];
    while (before && next.x - next.width / 2 < before.x + before.width / 2 + GAP) {
      placed.pop();
      const first = before.text.replace(/ \+\d+$/, "");
      const all = [...before.items, ...next.items];
      next = put(before.x, `${first} +${all.length - 1}`, all);
      before = placed[placed.length - 1];
    }
    placed.push(next);
  }
  return placed;
}

let context: CanvasRenderingContext2D | null | undefined;

/** Width of 11px text, pixels. */
export function labelWidth(text: string): number {
  context ??= document.createElement("canvas").getContext("2d");
  if (!context) return text.length * 6;
  context.font = '500 11px "Inter Variable", system-ui, sans-serif';
  return context.measureText(text).width;
}
