import { useJson } from "../../api/hooks";
import type { LiveInterface, Source, Sources } from "../../api/schema";
import { ThemeButton } from "../../app/actions";
import { Link } from "../../app/Link";
import { Page } from "../../app/Page";
import { chipText } from "../../filter/terms";
import { useEvery } from "../../state/every";
import { formatBytes, formatCount } from "../../time/format";
import { CopyBlock } from "../../ui/CopyBlock";
import { DataTable, type TableColumn } from "../../ui/DataTable";
import { EmptyState, ErrorState, Skeleton } from "../../ui/State";
import { SourceObjects } from "./SourceObjects";
import "./sources.css";

const AGAIN_MS = 10_000;

/** Where records come from. */
export default function SourcesPage() {
  const asked = useJson<Sources>("/sources", { limit: 1 });
  useEvery(AGAIN_MS, asked.retry);
  const { data } = asked;
  const actions = (
    <>
      <Link to="/quarantine" className="btn">
        Quarantine
      </Link>
      <ThemeButton />
    </>
  );
  return (
    <Page title="Sources" actions={actions}>
      {!data &&
        (asked.fault ? <ErrorState fault={asked.fault} onRetry={asked.retry} /> : <Skeleton />)}
      {data && (
        <div className="stack sources">
          <Live live={data.live} />
          <Taken sources={data.sources} />
          {data.sources.length > 0 && <SourceObjects />}
          <AddSource />
        </div>
      )}
    </Page>
  );
}

function Live({ live }: { live: LiveInterface[] }) {
  return (
    <section className="card" aria-label="Metered now">
      <h2>Metered now</h2>
      {live.length === 0 ? (
        <p className="quiet-text">
          No interface is metered: this server only serves records that are there. Below stands how
          to meter a host.
        </p>
      ) : (
        <ul className="live-list">
          {live.map((one) => (
            <li key={one.name}>
              <span className="dot" aria-hidden />
              <strong>{one.name}</strong>
              <Link
                className="mono"
                to={`/live?filter=${encodeURIComponent(
                  chipText({
                    field: "interface-id",
                    operator: "=",
                    value: one.interface_id,
                    negated: false,
                  }),
                )}`}
                title={`Live tail of ${one.interface_id}`}
              >
                {one.interface_id}
              </Link>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

const COLUMNS: TableColumn<Source>[] = [
  {
    key: "name",
    label: "Source",
    render: (one) => (
      <span className="mono long-name" title={one.name}>
        {one.name}
      </span>
    ),
  },
  { key: "kind", label: "Kind" },
  { key: "objects", label: "Files", kind: "count" },
  { key: "lines", label: "Lines", kind: "count" },
  { key: "bytes", label: "Size", kind: "bytes" },
  {
    key: "bad_lines",
    label: "Bad lines",
    kind: "count",
    render: (one) => <BadLines source={one} />,
  },
  { key: "changed_s", label: "Newest file", kind: "time" },
  { key: "lag_s", label: "Ago", kind: "duration" },
];

function BadLines({ source }: { source: Source }) {
  const bad = source.bad_lines + source.problems;
  if (!bad) return <span className="num">0</span>;
  return (
    <Link
      className="num reject-text"
      to={`/quarantine?source=${encodeURIComponent(source.name)}`}
      title={`${source.bad_lines} bad lines, ${source.problems} files that could not be read whole`}
    >
      {formatCount(bad)}
    </Link>
  );
}

function Taken({ sources }: { sources: Source[] }) {
  const bytes = sources.reduce((sum, one) => sum + one.bytes, 0);
  const lines = sources.reduce((sum, one) => sum + one.lines, 0);
  return (
    <section className="card table-card" aria-label="Taken in">
      <h2>Taken in</h2>
      {sources.length > 0 && (
        <p className="quiet-text">
          {formatCount(lines)} lines, {formatBytes(bytes)}, from {sources.length} folder
          {sources.length === 1 ? "" : "s"} and buckets.
        </p>
      )}
      <DataTable
        label="Folders and buckets that records were taken from"
        columns={COLUMNS}
        rows={sources}
        rowKey={(one) => one.name}
        empty={
          <EmptyState title="Nothing was taken in" action={<span />}>
            Files and buckets that were ingested stand here.
          </EmptyState>
        }
      />
    </section>
  );
}

const WAYS: { title: string; text: string; commands: string }[] = [
  {
    title: "Files and folders",
    text: "Flow logs that you have: text or Parquet, gzipped or not. What was taken is not taken twice.",
    commands: "vpcflow ingest ./AWSLogs\nvpcflow ingest --follow ./AWSLogs",
  },
  {
    title: "A bucket",
    text: "Flow logs in S3, with the keys of your AWS profile. Run it again for what is new.",
    commands: "vpcflow ingest s3://my-flow-logs/AWSLogs/",
  },
  {
    title: "This host's traffic",
    text: "Meters the interfaces of the host that it runs on; containers and bridges too.",
    commands: "sudo vpcflow run",
  },
  {
    title: "A packet capture",
    text: "Makes the records that a VPC would have made of it.",
    commands: "vpcflow capture --read traffic.pcap",
  },
];

function AddSource() {
  return (
    <section className="card" aria-label="Add a source">
      <h2>Add a source</h2>
      <div className="add-ways">
        {WAYS.map((way) => (
          <div key={way.title} className="stack">
            <div>
              <h3>{way.title}</h3>
              <p className="quiet-text">{way.text}</p>
            </div>
            <CopyBlock label={`the command for ${way.title.toLowerCase()}`} text={way.commands} />
          </div>
        ))}
      </div>
    </section>
  );
}
