import { useJson } from "../../api/hooks";
import type { Retention, RetentionDay } from "../../api/schema";
import { formatBytes, formatCount, formatTime, NONE } from "../../time/format";
import { CopyBlock } from "../../ui/CopyBlock";
import { DataTable, type TableColumn } from "../../ui/DataTable";
import { EmptyState, ErrorState, Skeleton } from "../../ui/State";

// Days of the table are days of UTC, whatever zone the page shows.
const COLUMNS: TableColumn<RetentionDay>[] = [
  {
    key: "day_s",
    label: "Day, UTC",
    value: (day) => day.day_s,
    render: (day) => (
      <span className="num">
        {day.day_s === null ? "without a start" : formatTime(day.day_s, "utc").slice(0, 10)}
      </span>
    ),
  },
  { key: "reason", label: "Why" },
  { key: "rows", label: "Records", kind: "count" },
  { key: "bytes", label: "Size", kind: "bytes" },
  { key: "files", label: "Files", kind: "count" },
];

/** What would be deleted now, and by which bound. */
export function RetentionPlan() {
  const asked = useJson<Retention>("/retention");
  const { data } = asked;
  if (!data) {
    return asked.fault ? <ErrorState fault={asked.fault} onRetry={asked.retry} /> : <Skeleton />;
  }
  const { hint } = data;
  return (
    <div className="stack sources">
      <div className="s-cards">
        <section className="card stack" aria-label="Bounds">
          <h2>Bounds</h2>
          <dl className="facts">
            <dt>By age</dt>
            <dd>{data.retention_days === null ? "none" : `${data.retention_days} days`}</dd>
            <dt>By size</dt>
            <dd>
              {data.retention_bytes_max === null ? "none" : formatBytes(data.retention_bytes_max)}
            </dd>
            <dt>Stays</dt>
            <dd className="num">
              {formatCount(data.rows_kept)} records, {formatBytes(data.bytes_kept)}
            </dd>
            <dt>Goes</dt>
            <dd className="num">
              {data.rows ? `${formatCount(data.rows)} records, ${formatBytes(data.bytes)}` : NONE}
            </dd>
          </dl>
          <p className="quiet-text">{`${hint.charAt(0).toUpperCase()}${hint.slice(1)}.`}</p>
        </section>
        <section className="card stack" aria-label="Change it">
          <h2>Change it</h2>
          <p className="quiet-text">Try a bound without deleting anything, then set it:</p>
          <CopyBlock
            label="the commands"
            text={`${data.command} --days 90\n\n# vpcflow.toml\n[table]\nretention_days = 90`}
          />
        </section>
      </div>
      <section className="card table-card" aria-label="What would go">
        <h2>What would go</h2>
        <DataTable
          label="Days that would be deleted"
          columns={COLUMNS}
          rows={data.days}
          rowKey={(day) => `${day.day_s} ${day.reason}`}
          empty={
            <EmptyState title="Nothing goes now" action={<span />}>
              Whole days go, the oldest first; the newest day always stays.
            </EmptyState>
          }
        />
      </section>
    </div>
  );
}
