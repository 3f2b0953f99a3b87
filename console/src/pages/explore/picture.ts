import { pictureOf } from "../../panels/picture";

const LINE = 22;
const PAD = 12;
const MARK = 10;
const FONT = '12px "Inter Variable", sans-serif';

/** The chart in a box as a picture with its legend beneath; undefined when there is no canvas. */
export async function pictureWithLegend(box: HTMLElement | null): Promise<string | undefined> {
  const plain = pictureOf(box);
  const entries = legendIn(box);
  if (!plain || !entries.length) return plain;
  const picture = new Image();
  picture.src = plain;
  await picture.decode();
  const scale = window.devicePixelRatio || 1;
  const width = picture.width / scale;
  const pen = document.createElement("canvas").getContext("2d");
  if (!pen) return plain;
  pen.font = FONT;
  const rows = rowsOf(entries, width, (text) => pen.measureText(text).width);
  const height = picture.height / scale + rows.length * LINE + PAD;
  pen.canvas.width = picture.width;
  pen.canvas.height = Math.ceil(height * scale);
  pen.scale(scale, scale);
  const style = getComputedStyle(document.documentElement);
  pen.fillStyle = style.getPropertyValue("--surface").trim() || "#fff";
  pen.fillRect(0, 0, width, height);
  pen.drawImage(picture, 0, 0, width, picture.height / scale);
  pen.font = FONT;
  pen.textBaseline = "middle";
  rows.forEach((row, line) => {
    const y = picture.height / scale + line * LINE + LINE / 2;
    for (const { x, entry } of row) {
      pen.fillStyle = entry.colour;
      pen.fillRect(x, y - MARK / 2, MARK, MARK);
      pen.fillStyle = style.getPropertyValue("--text-2").trim() || "#444";
      pen.fillText(entry.label, x + MARK + 6, y);
    }
  });
  return pen.canvas.toDataURL("image/png");
}

interface Entry {
  label: string;
  colour: string;
}

function legendIn(box: HTMLElement | null): Entry[] {
  const marks = box?.querySelectorAll<HTMLElement>(".chart-legend .mark") ?? [];
  return Array.from(marks, (mark) => ({
    label: mark.parentElement?.textContent?.trim() ?? "",
    colour: getComputedStyle(mark).backgroundColor,
  })).filter(({ label }) => label);
}

/** Entries in lines that fit a width. */
export function rowsOf(
  entries: Entry[],
  width: number,
  measure: (text: string) => number,
): { x: number; entry: Entry }[][] {
  const rows: { x: number; entry: Entry }[][] = [[]];
  let x = PAD;
  for (const entry of entries) {
    const own = MARK + 6 + measure(entry.label) + 16;
    if (x > PAD && x + own > width) {
      rows.push([]);
      x = PAD;
    }
    rows.at(-1)?.push({ x, entry });
    x += own;
  }
  return rows;
}
