import { useMemo } from "react";
import type { TableColumn } from "../../ui/DataTable";
import { ObjectTable } from "../../ui/ObjectTable";
import type { Topology } from "./useTopology";

interface EdgeRow {
  key: string;
  source: string;
  target: string;
  bytes: number;
  there: number;
  back: number;
  packets: number;
  records: number;
  rejected: number;
}

const share = (row: { records: number; rejected: number }) =>
  row.records ? row.rejected / row.records : null;

const EDGE_COLUMNS: TableColumn<EdgeRow>[] = [
  { key: "source", label: "One end", width: "230px" },
  { key: "target", label: "Other end", width: "230px" },
  { key: "bytes", label: "Bytes", kind: "bytes" },
  { key: "there", label: "There", kind: "bytes" },
  { key: "back", label: "Back", kind: "bytes" },
  { key: "packets", label: "Packets", kind: "packets" },
  { key: "records", label: "Records", kind: "count" },
  { key: "rejected", label: "Rejected", kind: "count" },
  { key: "share", label: "Rejected share", kind: "ratio", value: share, width: "125px" },
];

const BY_BYTES = { key: "bytes", descending: true };

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
    }));
  }, [asked.data, nodes]);
  return (
    <ObjectTable
      label="Edges"
      columns={EDGE_COLUMNS}
      rows={rows}
      rowKey={(row) => row.key}
      sort={BY_BYTES}
      selected={link ? `${link.source}~${link.target}` : undefined}
      onRow={(row) =>
        select({
          link: asked.data?.links.find((one) => `${one.source}~${one.target}` === row.key),
        })
      }
    />
  );
}

interface NodeRow {
  id: string;
  name: string;
  kind: string;
  within: string | null;
  note: string | null;
  bytes: number;
  records: number;
  rejected: number;
}

const NODE_COLUMNS: TableColumn<NodeRow>[] = [
  { key: "name", label: "Name", width: "260px" },
  { key: "kind", label: "Kind", width: "110px" },
  { key: "within", label: "In", width: "180px" },
  { key: "note", label: "Address", kind: "address" },
  { key: "bytes", label: "Bytes", kind: "bytes" },
  { key: "records", label: "Records", kind: "count" },
  { key: "rejected", label: "Rejected", kind: "count" },
  { key: "share", label: "Rejected share", kind: "ratio", value: share, width: "125px" },
];

/** All nodes as a table. */
export function NodeTable({ topology }: { topology: Topology }) {
  const { nodes, node, select } = topology;
  const rows = useMemo(() => {
    const names = new Map(nodes.map((one) => [one.id, one.name]));
    return nodes.map((one) => ({
      id: one.id,
      name: one.name,
      kind: one.kind,
      within: one.parent ? (names.get(one.parent) ?? one.parent) : null,
      note: one.note ?? null,
      bytes: one.bytes,
      records: one.records,
      rejected: one.rejected,
    }));
  }, [nodes]);
  return (
    <ObjectTable
      label="Nodes"
      columns={NODE_COLUMNS}
      rows={rows}
      rowKey={(row) => row.id}
      sort={BY_BYTES}
      selected={node?.id}
      onRow={(row) => select({ node: row.id })}
    />
  );
}
