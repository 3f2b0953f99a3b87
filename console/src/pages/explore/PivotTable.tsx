import { useMemo } from "react";
import {
  type Answer,
  type AnswerColumn,
  type Cell,
  type FieldEntry,
  type Naming,
  rowsOf,
} from "../../api/types";
import { addTerm } from "../../state/filter";
import { formatRatio } from "../../time/format";
import { CellView } from "../../ui/cells";
import { DataTable, type TableColumn } from "../../ui/DataTable";
import type { MenuItem } from "../../ui/Menu";
import { filterOfGroup, sharesOf } from "./pivotState";

type Row = Record<string, Cell>;

interface PivotTableProps {
  answer: Answer;
  keys: string[];
  measure: string;
  fields: FieldEntry[];
  onDrill: (row: Row) => void;
}

/** The groups as a table: the measure as a bar with its share; a click shows a group's records. */
export function PivotTable({ answer, keys, measure, fields, onDrill }: PivotTableProps) {
  const rows = useMemo((): Row[] => {
    const shares = sharesOf(answer.data[measure] ?? []);
    return rowsOf(answer).map((row, at) => ({ ...row, share: shares[at] ?? 0 }));
  }, [answer, measure]);
  const columns = useMemo(() => columnsOf(answer, keys, measure), [answer, keys, measure]);
  const drill = (row: Row) => {
    if (!row.is_other) onDrill(row);
  };
  return (
    <div className="pivot-table">
      <DataTable
        label="Groups"
        columns={columns}
        rows={rows}
        rowKey={(row, index) => keys.map((key) => String(row[key])).join(" ") + index}
        names={answer.names}
        onRow={drill}
        rowMenu={(row) => (row.is_other ? [] : menuOf(row, keys, fields, onDrill))}
      />
    </div>
  );
}

function columnsOf(answer: Answer, keys: string[], measure: string): TableColumn<Row>[] {
  const own = answer.columns.filter(({ name }) => keys.includes(name));
  const measured = answer.columns.find(({ name }) => name === measure);
  const others = answer.columns.filter(
    ({ name, quiet, kind }) =>
      !quiet && !keys.includes(name) && name !== measure && kind !== "time",
  );
  const groups: TableColumn<Row>[] = own.map((column, at) => ({
    key: column.name,
    label: column.label,
    kind: column.kind,
    ...(at === 0 ? { render: keyCell(column, answer.names) } : {}),
  }));
  return [
    ...groups,
    {
      key: measure,
      label: measured?.label ?? measure,
      kind: measured?.kind,
      width: "26%",
      bar: (row: Row) => redOf(row, measure),
    },
    {
      key: "share",
      label: "Share",
      kind: "ratio",
      render: (row: Row) => <span className="num">{formatRatio(Number(row.share))}</span>,
    },
    ...others.map(({ name, label, kind }) => ({ key: name, label, kind })),
  ];
}

/** What all the other groups are together has no key, and says so. */
function keyCell(column: AnswerColumn, names: Record<string, Naming>) {
  return (row: Row) =>
    row.is_other || row[column.name] === null ? (
      <span className="quiet-text">{row.is_other ? "all others" : "no value"}</span>
    ) : (
      <CellView kind={column.kind} value={row[column.name]} names={names} />
    );
}

function redOf(row: Row, measure: string): number {
  if (measure === "rejected") return 1;
  const records = Number(row.records ?? 0);
  return records > 0 ? Number(row.rejected ?? 0) / records : 0;
}

function menuOf(
  row: Row,
  keys: string[],
  fields: FieldEntry[],
  onDrill: (row: Row) => void,
): MenuItem[] {
  const own = filterOfGroup(row, keys, fields);
  if (!own) return [];
  return [
    { label: "Show its records", onSelect: () => onDrill(row) },
    { label: "Only this group", onSelect: () => addTerm(own) },
    { label: "Leave this group out", onSelect: () => addTerm(`not (${own})`) },
  ];
}
