import type { Cell } from "../../api/types";

/** Rows that the live tail keeps; the oldest go first. */
export const ROWS_MAX = 20_000;

/** A page of records by column, as the server sends it. */
export interface RecordPage {
  rows: number;
  data: Record<string, Cell[]>;
}

/** The last rows of a stream. Shape: row 0 is the first ever; `total` counts all that came. */
export class RowRing {
  total = 0;
  private columns = new Map<string, Cell[]>();

  constructor(readonly most = ROWS_MAX) {}

  /** The first row that is still here. */
  get first(): number {
    return Math.max(0, this.total - this.most);
  }

  /** How many rows are here. */
  get length(): number {
    return this.total - this.first;
  }

  push(page: RecordPage): void {
    const skip = Math.max(0, page.rows - this.most);
    for (const name of new Set([...this.columns.keys(), ...Object.keys(page.data)])) {
      let kept = this.columns.get(name);
      if (!kept) {
        kept = [];
        this.columns.set(name, kept);
      }
      const values = page.data[name];
      for (let row = skip; row < page.rows; row += 1) {
        kept[(this.total + row) % this.most] = values?.[row] ?? null;
      }
    }
    this.total += page.rows;
  }

  /** A value; null for rows that are gone or not there yet. */
  cell(row: number, column: string): Cell {
    if (row < this.first || row >= this.total) return null;
    return this.columns.get(column)?.[row % this.most] ?? null;
  }

  clear(): void {
    this.total = 0;
    this.columns.clear();
  }
}
