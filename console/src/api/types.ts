/** How a column of an answer is meant. */
export type ColumnKind =
  | "text"
  | "address"
  | "count"
  | "bytes"
  | "packets"
  | "time"
  | "ratio"
  | "duration"
  | "port"
  | "protocol"
  | "rule"
  | "microseconds";

export interface AnswerColumn {
  name: string;
  kind: ColumnKind;
  label: string;
  quiet: boolean;
}

export type Cell = string | number | boolean | null;
export type Values = Cell[];

/** What an address or id is called. */
export interface Naming {
  name: string;
  interface_id?: string | null;
  kind?: string;
}

export type Scan = {
  rows: number;
  bytes: number;
  files: number;
  files_pruned: number;
  rollup: boolean;
};

export type Coverage = {
  skipdata_records: number;
  nodata_records: number;
  lower_bound: boolean;
};

export interface Section {
  name: string;
  title: string;
  columns: AnswerColumn[];
  rows: number;
  data: Record<string, Values>;
}

/** Rows of an answer, by column, with what they cost and what to know about them. */
export interface Answer {
  columns: AnswerColumn[];
  rows: number;
  data: Record<string, Values>;
  names: Record<string, Naming>;
  time: { start_s: number; end_s: number; interval_s: number | null } | null;
  scan: Scan;
  coverage: Coverage;
  truncated: boolean;
  elapsed_s: number;
  snapshot: string;
  notes: string[];
  sections: Section[] | null;
}

export interface Session {
  signed_in: boolean;
  account_id?: string;
  region?: string;
  arn?: string;
  name?: string;
  csrf?: string;
  may?: string[];
  clock_s?: number;
  version?: string;
}

export interface FieldEntry {
  name: string;
  column?: string;
  kind: string;
  unit?: string | null;
  label?: string;
  summary?: string;
  group?: string;
  splittable?: boolean;
  values?: string[];
  present?: boolean;
}

/** One column of an answer as an array; empty when the answer has no such column. */
export function column(answer: Answer | Section | undefined, name: string): Values {
  return answer?.data[name] ?? [];
}

/** Rows of an answer as objects: for small answers. */
export function rowsOf(answer: Answer | Section | undefined): Record<string, Cell>[] {
  if (!answer) return [];
  return Array.from({ length: answer.rows }, (_, row) => {
    const entry: Record<string, Cell> = {};
    for (const { name } of answer.columns) entry[name] = answer.data[name]?.[row] ?? null;
    return entry;
  });
}
