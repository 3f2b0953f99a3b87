import { useCallback } from "react";
import type { Params } from "../../api/client";
import type { Answer, Cell, FieldEntry } from "../../api/types";
import { chipText, joinTerms } from "../../filter/terms";
import { setParams, useUrlParam } from "../../state/location";
import { namesIn } from "./columns";

export const FIELDS_MAX = 3;
export const MEASURES = [
  { value: "bytes", label: "Bytes" },
  { value: "packets", label: "Packets" },
  { value: "records", label: "Records" },
  { value: "rejected", label: "Rejected records" },
];
export const TOPS = ["10", "25", "50", "100", "500"];
/** Groups drawn over time: more are no picture. */
export const DRAWN_MAX = 8;
export const CHARTS = ["bars", "area", "pie"] as const;

/** Fields that follow from others, and what they are. */
export const DERIVED: FieldEntry[] = [
  { name: "service", kind: "text", label: "Service", summary: "Protocol and the lower port." },
  {
    name: "address",
    kind: "address",
    label: "Address",
    summary: "Either end; a record counts at both.",
  },
  { name: "host", kind: "address", label: "Host", summary: "The interface's end." },
  { name: "peer", kind: "address", label: "Peer", summary: "The other end." },
  {
    name: "class",
    kind: "text",
    label: "Class",
    summary: "Ingress, egress, internal or rejected.",
  },
  { name: "scope", kind: "text", label: "Scope", summary: "Internal or internet." },
];

export interface PivotState {
  by: string[];
  measure: string;
  top: string;
  chart: string;
  set: (changes: Record<string, string | null>) => void;
}

/** What the pivot groups by and measures, in the address. */
export function usePivot(): PivotState {
  const [by] = useUrlParam("by", "srcaddr");
  const [measure] = useUrlParam("measure", "bytes");
  const [top] = useUrlParam("top", "25");
  const [chart] = useUrlParam("chart", "bars");
  const set = useCallback(
    (changes: Record<string, string | null>) => setParams(changes, { replace: true }),
    [],
  );
  const names = namesIn(by).slice(0, FIELDS_MAX);
  return {
    by: names.length ? names : ["srcaddr"],
    measure: MEASURES.some(({ value }) => value === measure) ? measure : "bytes",
    top: TOPS.includes(top) ? top : "25",
    chart: (CHARTS as readonly string[]).includes(chart) ? chart : "bars",
    set,
  };
}

/** Parameters of the question breakdown. */
export function breakdownParams(state: PivotState, overTime: boolean): Params {
  const params: Params = {
    by: state.by.join(","),
    sort: state.measure,
    limit: overTime ? Math.min(DRAWN_MAX, Number(state.top)) : Number(state.top),
    other: true,
  };
  if (overTime) params.interval = "auto";
  return params;
}

/** Fields that the columns of a breakdown filter by. */
const FILTERED_BY: Record<string, string> = { address: "addr", host: "addr", peer: "addr" };
const CLASSES: Record<string, string> = {
  rejected: "action = REJECT",
  ingress: "flow-direction = ingress and action = ACCEPT",
  egress: "flow-direction = egress and action = ACCEPT",
};

/** The filter that the records of a group have; empty when none can say it. */
export function filterOfGroup(
  row: Record<string, Cell>,
  keys: readonly string[],
  fields: readonly FieldEntry[],
): string {
  const terms = keys.map((key) => {
    const value = row[key] ?? null;
    if (key === "class") return CLASSES[String(value)] ?? "";
    if (key === "scope") return "";
    const field =
      FILTERED_BY[key] ?? fields.find((one) => one.column === key || one.name === key)?.name;
    if (!field) return "";
    return chipText({
      field,
      operator: "=",
      value: typeof value === "boolean" ? String(value) : value,
    });
  });
  return joinTerms(terms);
}

const MEASURED = new Set(["bytes", "packets", "records", "rejected", "hosts", "peers"]);

/** Names of the columns that tell groups apart. */
export function keysOf(answer: Answer): string[] {
  return answer.columns
    .filter(({ name, quiet, kind }) => !quiet && kind !== "time" && !MEASURED.has(name))
    .map(({ name }) => name);
}

/** The share of each row in all rows, "other" among them. */
export function sharesOf(values: ArrayLike<Cell>): number[] {
  const numbers = Array.from(values, (value) => Number(value ?? 0));
  const total = numbers.reduce((sum, value) => sum + value, 0);
  return numbers.map((value) => (total > 0 ? value / total : 0));
}
