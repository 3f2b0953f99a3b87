/** What a panel asks and how it is shown. */
import type { ComponentType } from "react";
import {
  type AnswerEnvelope,
  answerOf,
  type ChartTable,
  type Kind,
  type OnPick,
  type OnRange,
} from "../../charts/answer";
import type { Figure } from "../../charts/figures";
import type { Graph } from "../../charts/graph";
import type { TimeMarker } from "../../charts/timeSeries";

export type PanelKind =
  | "area"
  | "line"
  | "bars"
  | "table"
  | "sankey"
  | "matrix"
  | "map"
  | "heat"
  | "number"
  | "figures"
  | "findings"
  | "text"
  | "pie";

export interface PanelQuery {
  question?: string;
  parameters?: Record<string, unknown>;
  filter?: string;
  sql?: string;
}

/** Everything that a kind may be told; each kind reads what it knows. */
export interface PanelOptions {
  measure?: string;
  /** Column to split by; null for none. */
  split?: string | null;
  top?: number;
  /** "time" or "names", for bars. */
  over?: "time" | "names";
  /** Column of the values that a heat map bins. */
  value?: string;
  /** Column that names places on the map. */
  country?: string;
  /** Markdown-free text of a text panel; an empty line begins a paragraph. */
  text?: string;
  unit?: string;
  limit?: number;
  columns?: string[];
  /** The column of a table that is drawn as bars. */
  bar?: string;
  direction?: Figure["direction"];
  legend?: "header" | "inside" | "none";
}

export interface Finding {
  id: string;
  severity: "critical" | "high" | "medium" | "low" | "info";
  kind: string;
  title: string;
  evidence: string;
  start_s: number;
  end_s?: number | null;
  filter?: string | null;
  interface_id?: string | null;
}

export interface KindProps {
  title: string;
  options: PanelOptions;
  zone: string;
  answer?: AnswerEnvelope | null;
  /** The answer of the period before, where it was asked. */
  previous?: AnswerEnvelope | null;
  previousLabel?: string;
  graph?: Graph | null;
  findings?: readonly Finding[] | null;
  markers?: readonly TimeMarker[];
  group?: string;
  onPick?: OnPick;
  onRange?: OnRange;
  onFinding?: (finding: Finding) => void;
}

export interface KindInfo {
  label: string;
  component: ComponentType<KindProps>;
  /** Whether a query gives this kind something to show. */
  accepts(query: PanelQuery): boolean;
  defaultOptions: PanelOptions;
  /** Where the data come from. */
  source: "answer" | "graph" | "findings" | "none";
  sentence(props: KindProps): string;
  /** The values behind the picture; null when there are none. */
  table(props: KindProps): ChartTable | null;
}

/** All rows of an answer as they are. */
export function answerTable(envelope: AnswerEnvelope | null | undefined): ChartTable | null {
  if (!envelope) return null;
  const answer = answerOf(envelope);
  const columns = answer.columns;
  const lists = columns.map((column) => answer.column(column.name));
  const rows = Array.from({ length: answer.rows }, (_, row) =>
    lists.map((values) => values[row] ?? null),
  );
  return { columns, rows };
}

/** Kinds whose values stand on the right in tables. */
export const isNumber = (kind: Kind): boolean =>
  ["count", "bytes", "packets", "ratio", "duration", "microseconds"].includes(kind);
