import { useCallback, useMemo, useState } from "react";
import type { AnswerColumn, Naming } from "../api/types";
import { cellValue, type Sort, sortedRows, type TableColumn } from "./DataTable";
import { VirtualTable } from "./VirtualTable";

export interface ObjectTableProps<Row> {
  label: string;
  /** `width` is in pixels here; bars and fields are not drawn. */
  columns: TableColumn<Row>[];
  rows: readonly Row[];
  rowKey: (row: Row) => string;
  /** Where it is not given, the table keeps its own sorting, from this on. */
  sort: Sort;
  names?: Record<string, Naming>;
  selected?: string;
  onRow?: (row: Row) => void;
}

/** Hundreds or thousands of objects in a table that draws those in view, and sorts by itself. */
export function ObjectTable<Row>(props: ObjectTableProps<Row>) {
  const { columns, rows, rowKey, selected, onRow } = props;
  const [sort, setSort] = useState(props.sort);
  const [widths, setWidths] = useState(() =>
    Object.fromEntries(
      columns.flatMap(({ key, width }) => (width ? [[key, Number.parseInt(width, 10)]] : [])),
    ),
  );
  const sorted = useMemo(() => sortedRows([...rows], columns, sort), [rows, columns, sort]);
  const heads = useMemo(
    () =>
      columns.map(({ key, label, kind = "text" }) => ({
        name: key,
        label,
        kind: kind as AnswerColumn["kind"],
        quiet: false,
      })),
    [columns],
  );
  const byKey = useMemo(() => new Map(columns.map((column) => [column.key, column])), [columns]);
  const cell = useCallback(
    (row: number, name: string) => {
      const [found, column] = [sorted[row], byKey.get(name)];
      return found && column && cellValue(column, found);
    },
    [sorted, byKey],
  );
  const draw = useCallback(
    (row: number, name: string) => {
      const found = sorted[row];
      return found && byKey.get(name)?.render?.(found);
    },
    [sorted, byKey],
  );
  const at = selected === undefined ? -1 : sorted.findIndex((row) => rowKey(row) === selected);
  return (
    <VirtualTable
      label={props.label}
      columns={heads}
      rows={sorted.length}
      cell={cell}
      draw={draw}
      names={props.names}
      selected={at < 0 ? null : at}
      onRow={(row) => {
        const found = sorted[row];
        if (found) onRow?.(found);
      }}
      sort={sort}
      onSort={setSort}
      widths={widths}
      onWidths={setWidths}
    />
  );
}
