/** A figure and its change against the period before. */
import type { ChartTable, Kind, Pick } from "./answer";
import { countText, measureParts, measureText } from "./format";

/** Whether more of it is bad, good, or neither. */
export type Direction = "up-bad" | "up-good" | "neutral";

export interface Figure {
  name: string;
  label: string;
  value: number | null;
  kind: Kind;
  /** The value of the period before. */
  before?: number | null;
  direction?: Direction;
  /** Why it changed, or what it is compared with: "port scan 10:05", "vs previous day". */
  reason?: string;
  /** The line in the corner. */
  values?: readonly (number | null)[];
  /** Behind the unit: "/day". */
  suffix?: string;
  pick?: Pick;
}

export type Tone = "bad" | "good" | "flat";

export interface Change {
  text: string;
  tone: Tone;
}

/** Below this a change is noise and not told in colour. */
const NOTABLE = 0.05;

/** The change as it is written: points for shares, difference for small counts, per cent else. */
export function changeOf({ value, before, kind, direction = "neutral" }: Figure): Change | null {
  if (value === null || before === null || before === undefined) return null;
  const apart = value - before;
  if (before === 0 && kind !== "ratio") {
    return value === 0
      ? { text: "no change", tone: "flat" }
      : { text: "new", tone: toneOf(1, direction) };
  }
  const share = before === 0 ? Math.sign(apart) : apart / before;
  return { text: changeText(apart, share, kind), tone: toneOf(share, direction) };
}

function changeText(apart: number, share: number, kind: Kind): string {
  const sign = apart > 0 ? "+" : "−";
  const size = Math.abs(apart);
  if (kind === "ratio") {
    const points = (size * 100).toFixed(1);
    return points === "0.0" ? "no change" : `${sign}${points} pts`;
  }
  if (size === 0) return "no change";
  if (kind === "duration" || kind === "microseconds") return sign + measureText(size, kind);
  if (kind === "count" && size < 1000) return sign + countText(size);
  const percent = Math.abs(share) * 100;
  if (percent >= 1000) return `${sign}${countText(Math.round(percent / 100))}×`;
  return `${sign}${percent.toFixed(percent < 10 ? 1 : 0)}%`;
}

function toneOf(share: number, direction: Direction): Tone {
  if (direction === "neutral" || Math.abs(share) < NOTABLE) return "flat";
  return share > 0 === (direction === "up-bad") ? "bad" : "good";
}

export function figureSentence(figure: Figure): string {
  if (figure.value === null) return `${figure.label}: not known.`;
  const change = changeOf(figure);
  const { text, unit } = measureParts(figure.value, figure.kind);
  const value = `${text}${unit ? ` ${unit}` : ""}${figure.suffix ?? ""}`;
  const tone = change?.tone === "bad" ? " (worse)" : change?.tone === "good" ? " (better)" : "";
  const changed = change ? `, ${change.text}${tone}` : "";
  return `${figure.label}: ${value}${changed}${figure.reason ? `, ${figure.reason}` : ""}.`;
}

export function figuresTable(figures: readonly Figure[]): ChartTable {
  return {
    columns: [
      { name: "figure", kind: "text", label: "Figure" },
      { name: "value", kind: "text", label: "Value" },
      { name: "before", kind: "text", label: "Before" },
      { name: "change", kind: "text", label: "Change" },
    ],
    rows: figures.map((figure) => [
      figure.label,
      figure.value === null ? null : measureText(figure.value, figure.kind),
      figure.before == null ? null : measureText(figure.before, figure.kind),
      changeOf(figure)?.text ?? null,
    ]),
  };
}
