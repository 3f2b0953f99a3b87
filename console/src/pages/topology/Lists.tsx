import { useMemo, useState } from "react";
import type { AnswerColumn, Cell } from "../../api/types";
import { cellValue, type Sort, sortedRows, type TableColumn } from "../../ui/DataTable";
import { VirtualTable } from "../../ui/VirtualTable";
import type { Topology } from "./useTopology";

type Row = Record<string, Cell> & { key: string };

interface SortedTableProps {
  label: string;
  columns: AnswerColumn[];
  rows: Row[];
  first: Sort;
  selected: string;
  onRow: (row: Row) => void;
}

function SortedTable({ label, columns, rows, first, selected, onRow }: SortedTableProps) {
  const [sort, setSort] = useState<Sort>(first);
  const keyed = useMemo(
    () => columns.map((column): TableColumn<Row> => ({ ...column, key: column.name })),
    [columns],
  );
  const sorted = useMemo(() => sortedRows(rows, keyed, sort), [rows, keyed, sort]);
  const at = sorted.findIndex((row) => row.key === selected);
  return (
    <VirtualTable
      label={label}
      columns={columns}
      rows={sorted.length}
      cell={(row, column) => {
        const found = sorted[row];
        return found && cellValue({ key: column, label: column }, found);
      }}
      selected={at < 0 ? null : at}
      onRow={(row) => {
        const found = sorted[row];
        if (found) onRow(found);
      }}
      sort={sort}
      onSort={setSort}
    />
  );
}

const column = (name: string, kind: AnswerColumn["kind"], label: string): AnswerColumn => ({
  name,
  kind,
  label,
  quiet: false,
});

const EDGE_COLUMNS = [
  column("source", "address", "One end"),
  column("target", "address", "Other end"),
  column("bytes", "bytes", "Bytes"),
  column("there", "bytes", "There"),
  column("back", "bytes", "Back"),
  column("packets", "packets", "Packets"),
  column("records", "count", "Records"),
  column("rejected", "count", "Rejected"),
  column("share", "ratio", "Rejected share"),
];

/** All edges as a table, those too small for the map as well. */
export function EdgeTable({ topology }: { topology: Topology }) {
  const { asked, nodes, link, select } = topology;
  const rows = useMemo(() => {
    const names = new Map(nodes.map((node) => [node.id, node.name]));
    return (asked.data?.links ?? []).map((one) => ({
      key: `${one.source}~${one.target}`,
      source: names.get(one.source) ?? one.source,
      target: names.get(one.target) ?? one.target,
      bytes: one.total,
      there: one.bytes,
      back: one.bytes_back,
      packets: one.packets,
      records: one.records,
      rejected: one.rejected,
      share: one.records ? one.rejected / one.records : null,
    }));
  }, [asked.data, nodes]);
  return (
    <SortedTable
      label="Edges"
      columns={EDGE_COLUMNS}
      rows={rows}
      first={{ key: "bytes", descending: true }}
      selected={link ? `${link.source}~${link.target}` : ""}
      onRow={(row) =>
        select({
          link: asked.data?.links.find((one) => `${one.source}~${one.target}` === row.key),
        })
      }
    />
  );
}

const NODE_COLUMNS = [
  column("name", "address", "Name"),
  column("kind", "text", "Kind"),
  column("within", "text", "In"),
  column("note", "address", "Address"),
  column("bytes", "bytes", "Bytes"),
  column("records", "count", "Records"),
  column("rejected", "count", "Rejected"),
  column("share", "ratio", "Rejected share"),
];

/** All nodes as a table. */
export function NodeTable({ topology }: { topology: Topology }) {
  const { nodes, node, select } = topology;
  const rows = useMemo(() => {
    const names = new Map(nodes.map((one) => [one.id, one.name]));
    return nodes.map((one) => ({
      key: one.id,
      name: one.name,
      kind: one.kind,
      within: one.parent ? (names.get(one.parent) ?? one.parent) : null,
      note: one.note ?? null,
      bytes: one.bytes,
      records: one.records,
      rejected: one.rejected,
      share: one.records ? one.rejected / one.records : null,
    }));
  }, [nodes]);
  return (
    <SortedTable
      label="Nodes"
      columns={NODE_COLUMNS}
      rows={rows}
      first={{ key: "bytes", descending: true }}
      selected={node?.id ?? ""}
      onRow={(row) => select({ node: row.key })}
    />
  );
}
