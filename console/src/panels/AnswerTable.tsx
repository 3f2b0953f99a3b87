import { useMemo } from "react";
import { type Answer, type AnswerColumn, type Cell, rowsOf, type Section } from "../api/types";
import { isNumeric } from "../ui/cells";
import { DataTable, type TableColumn } from "../ui/DataTable";

/** Rows of a table view; the rest is for Explore and the exports. */
export const TABLE_ROWS_MAX = 500;

type Row = Record<string, Cell>;

/** Columns of an answer that one may filter by: their names are the fields', with underscores. */
const FIELDS = new Set([
  "srcaddr",
  "dstaddr",
  "srcport",
  "dstport",
  "protocol",
  "action",
  "interface_id",
  "account_id",
  "vpc_id",
  "subnet_id",
  "instance_id",
  "az_id",
  "region",
  "flow_direction",
  "log_status",
  "tcp_flags",
  "type",
  "reject_rule",
]);

/** The columns of an answer as a table's; quiet ones without any value are left out. */
export function answerColumns(answer: Answer | Section): TableColumn<Row>[] {
  return answer.columns
    .filter((column) => !column.quiet || hasValue(answer, column))
    .map(({ name, kind, label }) => ({
      key: name,
      label: labelOf(name, label),
      kind,
      field: isNumeric(kind) ? undefined : fieldOf(name),
    }));
}

/** Fields are called as people say them; columns of SQL that nobody named, by their words. */
const LABELS: Record<string, string> = {
  srcaddr: "Source",
  dstaddr: "Destination",
  srcport: "Source port",
  dstport: "Port",
  interface_id: "Interface",
  instance_id: "Instance",
};

function labelOf(name: string, label: string): string {
  if (LABELS[name]) return LABELS[name];
  const text = label && label !== name ? label : name.replace(/_/g, " ");
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

/** The field that a column of an answer shows; undefined when it is none. */
export function fieldOf(name: string): string | undefined {
  if (/^(address(_[ab])?|host|peer)$/.test(name)) return "addr";
  if (name === "port") return "port";
  return FIELDS.has(name) ? name.replace(/_/g, "-") : undefined;
}

function hasValue(answer: Answer | Section, { name }: AnswerColumn): boolean {
  const values = answer.data[name] ?? [];
  for (let row = 0; row < values.length; row += 1) if (values[row]) return true;
  return false;
}

/** Any answer as a table. */
export function AnswerTable({ answer, label }: { answer: Answer; label: string }) {
  const columns = useMemo(() => answerColumns(answer), [answer]);
  const rows = useMemo(
    () => rowsOf({ ...answer, rows: Math.min(answer.rows, TABLE_ROWS_MAX) }),
    [answer],
  );
  return (
    <DataTable
      label={label}
      columns={columns}
      rows={rows}
      rowKey={(_, index) => String(index)}
      names={answer.names}
    />
  );
}
