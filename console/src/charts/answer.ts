/** Typed access to an answer of the API, whether it came as JSON or as Arrow. */

import type { Cell, ColumnKind } from "../api/types";

export type Kind = ColumnKind;
export type Value = Cell;

export interface ColumnMeta {
  name: string;
  kind: Kind;
  label: string;
  quiet?: boolean;
}

export interface EntityName {
  name: string;
  interface_id?: string | null;
  kind?: string;
}

export interface AnswerSection {
  name: string;
  title: string;
  columns: ColumnMeta[];
  rows: number;
  data: Record<string, ArrayLike<Value>>;
}

/** What an answer says beside its data. */
export interface AnswerFrame {
  columns: ColumnMeta[];
  rows: number;
  names?: Record<string, EntityName>;
  time?: { start_s: number; end_s: number; interval_s?: number | null } | null;
  scan?: Record<string, unknown> | null;
  coverage?: {
    skipdata_records?: number;
    nodata_records?: number;
    lower_bound?: boolean;
  } | null;
  truncated?: boolean;
  elapsed_s?: number;
  snapshot?: string | null;
  notes?: string[];
  sections?: AnswerSection[] | null;
}

export interface AnswerEnvelope extends AnswerFrame {
  data: Record<string, ArrayLike<Value>>;
}

export interface Answer {
  frame: AnswerFrame;
  columns: ColumnMeta[];
  rows: number;
  has(name: string): boolean;
  /** The values of a column; an empty list when there is none of that name. */
  column(name: string): readonly Value[];
  meta(name: string): ColumnMeta | undefined;
  value(name: string, row: number): Value;
  /** The name people know an address or id by, if there is one. */
  nameOf(value: Value): EntityName | undefined;
  section(name: string): Answer | undefined;
}

const MEASURES: ReadonlySet<Kind> = new Set([
  "count",
  "bytes",
  "packets",
  "ratio",
  "duration",
  "microseconds",
]);

export const isMeasure = (kind: Kind): boolean => MEASURES.has(kind);

function answerOver(frame: AnswerFrame, read: (name: string) => readonly Value[]): Answer {
  const cache = new Map<string, readonly Value[]>();
  const metas = new Map(frame.columns.map((column) => [column.name, column]));
  const column = (name: string): readonly Value[] => {
    if (!metas.has(name)) return [];
    const known = cache.get(name);
    if (known) return known;
    const values = read(name);
    cache.set(name, values);
    return values;
  };
  return {
    frame,
    columns: frame.columns,
    rows: frame.rows,
    has: (name) => metas.has(name),
    column,
    meta: (name) => metas.get(name),
    value: (name, row) => column(name)[row] ?? null,
    nameOf: (value) => (value === null ? undefined : frame.names?.[String(value)]),
    section: (name) => {
      const found = frame.sections?.find((section) => section.name === name);
      if (!found) return undefined;
      const inner = { ...frame, columns: found.columns, rows: found.rows, sections: null };
      return answerOver(inner, (wanted) => listOf(found.data[wanted]));
    },
  };
}

const read = new WeakMap<AnswerEnvelope, Answer>();

/** The columns of an answer of the API, JSON or Arrow; the same object for the same answer. */
export function answerOf(envelope: AnswerEnvelope): Answer {
  const known = read.get(envelope);
  if (known) return known;
  const made = answerOver(envelope, (name) => listOf(envelope.data[name]));
  read.set(envelope, made);
  return made;
}

const listOf = (values: ArrayLike<Value> | undefined): readonly Value[] =>
  Array.isArray(values) ? values : Array.from(values ?? []);

/** The values of a chart as rows, for "View as table" and for copies. */
export interface ChartTable {
  columns: ColumnMeta[];
  rows: Value[][];
}

/** What a click means: pages turn it into a filter chip. */
export interface Pick {
  field: string;
  value: Value;
  op?: "=" | "in" | ">=" | "<";
  /** The same in the filter language, where the server said it; goes before field and value. */
  filter?: string;
  /** More conditions that belong to the same click, such as both ends of a link. */
  and?: Pick[];
  label?: string;
}

export type OnPick = (pick: Pick) => void;
export type OnRange = (start_s: number, end_s: number) => void;
