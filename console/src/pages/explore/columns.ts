import { useCallback, useState } from "react";
import type { FieldEntry } from "../../api/types";
import { useUrlParam } from "../../state/location";
import { keepText, keptJson, keptText } from "./kept";
import { KEY_FIELDS } from "./record";

/** Fields of the table of records where nobody chose others. */
export const DEFAULT_COLUMNS = [
  "start",
  "srcaddr",
  "srcport",
  "dstaddr",
  "dstport",
  "protocol",
  "packets",
  "bytes",
  "action",
  "interface-id",
];
/** More columns than this are no table any more. */
export const COLUMNS_MAX = 40;
const KEY = "vpcflow.explore.columns";
const WIDTHS_KEY = "vpcflow.explore.widths";

/** Names of fields in a list with commas; without repeats. */
export function namesIn(text: string): string[] {
  const names = text
    .split(",")
    .map((name) => name.trim().replace(/_/g, "-"))
    .filter((name) => /^[a-z][a-z0-9-]*$/.test(name));
  return [...new Set(names)].slice(0, COLUMNS_MAX);
}

/** The chosen columns, in the address and kept for the next visit. */
export function useColumns(): [string[], (names: string[] | null) => void] {
  const [text, setText] = useUrlParam("columns");
  const [kept, setKept] = useState(() => keptText(KEY) ?? "");
  const names = namesIn(text || kept);
  const set = useCallback(
    (next: string[] | null) => {
      const own = next?.length ? next.join(",") : null;
      keepText(KEY, own);
      setKept(own ?? "");
      setText(own, { replace: true });
    },
    [setText],
  );
  return [names.length ? names : DEFAULT_COLUMNS, set];
}

/** Fields to ask for: the shown ones, and those that a row is opened by. */
export function fieldsToAsk(shown: readonly string[], known: readonly FieldEntry[]): string {
  const names = new Set(known.map((field) => field.name));
  const wanted = [...shown, ...KEY_FIELDS].filter((name) => !names.size || names.has(name));
  return [...new Set(wanted)].join(",");
}

/** `list` with the entry at `from` moved to `to`; places outside are the ends. */
export function moved<T>(list: readonly T[], from: number, to: number): T[] {
  const next = [...list];
  const [one] = next.splice(from, 1);
  if (one === undefined) return [...list];
  next.splice(Math.max(0, Math.min(next.length, to)), 0, one);
  return next;
}

/** Widths of columns that were dragged. Units: CSS pixels. */
export function useWidths(): [Record<string, number>, (column: string, width: number) => void] {
  const [widths, setWidths] = useState(() => keptJson<Record<string, number>>(WIDTHS_KEY, {}));
  const set = useCallback((column: string, width: number) => {
    setWidths((before) => {
      const next = { ...before, [column]: width };
      keepText(WIDTHS_KEY, JSON.stringify(next));
      return next;
    });
  }, []);
  return [widths, set];
}

/** Fields in their groups, as the registry has them; those without values in the table last. */
export function grouped(
  fields: readonly FieldEntry[],
  word: string,
): { group: string; fields: FieldEntry[] }[] {
  const wanted = word.trim().toLowerCase();
  const groups = new Map<string, FieldEntry[]>();
  for (const field of fields) {
    if (field.name === "addr" || field.name === "port") continue;
    const text = `${field.name} ${field.label} ${field.summary}`.toLowerCase();
    if (wanted && !text.includes(wanted)) continue;
    const group = field.group ?? "";
    groups.set(group, [...(groups.get(group) ?? []), field]);
  }
  return [...groups].map(([group, own]) => ({
    group,
    fields: [...own].sort((a, b) => Number(b.present ?? true) - Number(a.present ?? true)),
  }));
}
