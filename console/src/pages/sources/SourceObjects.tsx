import { useState } from "react";
import { useJson } from "../../api/hooks";
import type { SourceObjectView, Sources } from "../../api/schema";
import { useSettled } from "../../state/settled";
import { formatRatio } from "../../time/format";
import { Button } from "../../ui/Button";
import { DataTable, type TableColumn } from "../../ui/DataTable";
import { SearchField } from "../../ui/SearchField";
import { EmptyState, ErrorState, Pill, Skeleton } from "../../ui/State";

const PAGE = 50;
const SETTLE_MS = 300;

const COLUMNS: TableColumn<SourceObjectView>[] = [
  {
    key: "name",
    label: "File",
    sortable: false,
    render: (one) => <FileName name={one.name} />,
  },
  { key: "lines", label: "Lines", kind: "count", sortable: false },
  {
    key: "bad_lines",
    label: "Bad lines",
    kind: "count",
    sortable: false,
    render: (one) => (
      <span className={`num ${one.bad_lines ? "reject-text" : ""}`}>{one.bad_lines}</span>
    ),
  },
  { key: "size", label: "Size", kind: "bytes", sortable: false },
  {
    key: "complete",
    label: "Read",
    sortable: false,
    render: (one) =>
      one.complete ? (
        <Pill tone="ok">whole</Pill>
      ) : (
        <Pill tone="warn">{formatRatio(one.size ? one.bytes / one.size : 0)}</Pill>
      ),
  },
  {
    key: "encoding",
    label: "Form",
    sortable: false,
    render: (one) => <span title={one.log_format}>{one.encoding}</span>,
  },
  { key: "changed_s", label: "Changed", kind: "time", sortable: false },
];

/** A file, and its folder below: names of flow logs differ at their end. */
function FileName({ name }: { name: string }) {
  const cut = name.lastIndexOf("/") + 1;
  return (
    <span className="file-name mono" title={name}>
      <span>{name.slice(cut)}</span>
      {cut > 1 && <span className="quiet-text">{name.slice(0, cut - 1)}</span>}
    </span>
  );
}

/** The files that were taken, the newest first. */
export function SourceObjects() {
  const [name, setName] = useState("");
  const [befores, setBefores] = useState<number[]>([]);
  const settled = useSettled(name, SETTLE_MS);
  const asked = useJson<Sources>("/sources", {
    limit: PAGE,
    name: settled,
    before: befores.at(-1),
  });
  const data = asked.data;
  return (
    <section className="card table-card" aria-label="Files">
      <div className="objects-head">
        <h2>Files, the newest first</h2>
        <SearchField
          label="Search files by name"
          value={name}
          onChange={(next) => {
            setName(next);
            setBefores([]);
          }}
        />
      </div>
      {!data &&
        (asked.fault ? <ErrorState fault={asked.fault} onRetry={asked.retry} /> : <Skeleton />)}
      {data && (
        <DataTable
          label="Files that records were taken from"
          columns={COLUMNS}
          rows={data.objects}
          rowKey={(one) => String(one.number)}
          empty={
            <EmptyState title="No file of that name" action={<span />}>
              Names are searched as they stand, upper and lower case.
            </EmptyState>
          }
        />
      )}
      {(befores.length > 0 || data?.next_before != null) && (
        <div className="objects-foot">
          <Button
            size="sm"
            disabled={!befores.length}
            onClick={() => setBefores(befores.slice(0, -1))}
          >
            Newer
          </Button>
          <Button
            size="sm"
            disabled={data?.next_before == null}
            onClick={() => data?.next_before != null && setBefores([...befores, data.next_before])}
          >
            Older
          </Button>
        </div>
      )}
    </section>
  );
}
