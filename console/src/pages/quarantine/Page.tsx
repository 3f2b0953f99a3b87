import { CircleCheck, Download } from "lucide-react";
import { useState } from "react";
import { type Asked, useJson } from "../../api/hooks";
import type { QuarantineGroup, QuarantineView } from "../../api/schema";
import { ThemeButton } from "../../app/actions";
import { Link } from "../../app/Link";
import { Page } from "../../app/Page";
import { useMay } from "../../app/session";
import { download } from "../../panels/files";
import { useUrlParam } from "../../state/location";
import { useSettled } from "../../state/settled";
import { formatCount } from "../../time/format";
import { Button } from "../../ui/Button";
import { CopyBlock } from "../../ui/CopyBlock";
import { DataTable, type TableColumn } from "../../ui/DataTable";
import { SearchField } from "../../ui/SearchField";
import { EmptyState, ErrorState, Skeleton } from "../../ui/State";
import { BadLine } from "./BadLine";
import "../sources/sources.css";
import "./quarantine.css";

const PAGE = 50;
const SETTLE_MS = 300;

/** What could not be read, by source and reason, and line by line. */
export default function QuarantinePage() {
  const may = useMay("quarantine");
  return (
    <Page
      title="Quarantine"
      subtitle="lines and files that could not be read"
      actions={
        <>
          <Link to="/sources" className="btn">
            Sources
          </Link>
          <ThemeButton />
        </>
      }
    >
      {may ? (
        <Quarantine />
      ) : (
        <EmptyState title="You may not see the quarantine" action={<span />}>
          It needs vpcflow:GetQuarantine. Ask whoever manages your account.
        </EmptyState>
      )}
    </Page>
  );
}

function Quarantine() {
  const [source, setSource] = useUrlParam("source");
  const settled = useSettled(source, SETTLE_MS);
  const [afters, setAfters] = useState<number[]>([]);
  const asked = useJson<QuarantineView>("/quarantine", {
    source: settled,
    limit: PAGE,
    after: afters.at(-1) ?? 0,
  });
  const { data } = asked;
  const choose = (next: string) => {
    setSource(next, { replace: true });
    setAfters([]);
  };
  if (!data) {
    return asked.fault ? <ErrorState fault={asked.fault} onRetry={asked.retry} /> : <Skeleton />;
  }
  if (!data.lines && !data.problems) return <AllGood />;
  return (
    <div className="quarantine sources">
      <Groups data={data} source={source} onChoose={choose} />
      <Lines asked={asked} data={data} afters={afters} onAfters={setAfters} />
      <section className="card stack" aria-label="Try again">
        <div>
          <h2>Try again</h2>
          <p className="quiet-text">
            Give the right format with <code>--log-format</code> when the file has no header. It
            waits until nothing else writes to the table.
          </p>
        </div>
        <CopyBlock label="the command that tries again" text={data.retry_command} />
      </section>
    </div>
  );
}

function AllGood() {
  return (
    <EmptyState title="Nothing is in quarantine" icon={<CircleCheck size={20} />} action={<span />}>
      Every line of every file that was taken in could be read.
    </EmptyState>
  );
}

const COLUMNS: TableColumn<QuarantineGroup>[] = [
  {
    key: "source",
    label: "Source",
    render: (one) => (
      <span className="mono long-name" title={one.source}>
        {one.source}
      </span>
    ),
  },
  { key: "reason", label: "Reason" },
  { key: "lines", label: "Lines", kind: "count" },
  { key: "lines_kept", label: "Kept", kind: "count" },
  { key: "problems", label: "Whole file", kind: "count" },
];

function Groups(props: {
  data: QuarantineView;
  source: string;
  onChoose: (source: string) => void;
}) {
  const { data, source, onChoose } = props;
  return (
    <section className="card table-card" aria-label="By source and reason">
      <h2>By source and reason</h2>
      <p className="quiet-text">
        {formatCount(data.lines)} bad lines, {formatCount(data.lines_kept)} of them kept with their
        bytes, and {formatCount(data.problems)} files that could not be read whole, in{" "}
        {formatCount(data.sources)} source{data.sources === 1 ? "" : "s"}.
      </p>
      <div className="objects-head q-tools">
        <SearchField label="Only sources whose name has" value={source} onChange={onChoose} />
        {source && (
          <Button size="sm" onClick={() => onChoose("")}>
            All sources
          </Button>
        )}
      </div>
      <DataTable
        label="Bad lines by source and reason"
        columns={COLUMNS}
        rows={data.groups}
        rowKey={(one) => `${one.source} ${one.reason} ${one.first_id}`}
        onRow={(one) => onChoose(one.source)}
        empty={
          <EmptyState
            title="No source has this name"
            action={
              <Button size="sm" onClick={() => onChoose("")}>
                All sources
              </Button>
            }
          >
            Nothing of it is in quarantine.
          </EmptyState>
        }
      />
    </section>
  );
}

function Lines(props: {
  asked: Asked<QuarantineView>;
  data: QuarantineView;
  afters: number[];
  onAfters: (afters: number[]) => void;
}) {
  const { asked, data, afters, onAfters } = props;
  if (!data.entries.length) return null;
  const save = () => {
    const lines = data.entries.map((entry) => JSON.stringify(entry)).join("\n");
    download("quarantine.jsonl", new Blob([`${lines}\n`], { type: "application/x-ndjson" }));
  };
  return (
    <section
      className={`card table-card ${asked.fresh ? "" : "dimmed"}`}
      aria-label="Line by line"
      aria-busy={asked.loading}
    >
      <div className="objects-head">
        <h2>Line by line</h2>
        <span className="grow" />
        <Button size="sm" icon={<Download size={13} />} onClick={save}>
          Download these {data.entries.length}
        </Button>
      </div>
      <ul className="q-lines">
        {data.entries.map((entry) => (
          <BadLine key={entry.id} entry={entry} />
        ))}
      </ul>
      {(afters.length > 0 || data.next_after != null) && (
        <div className="objects-foot">
          <Button size="sm" disabled={!afters.length} onClick={() => onAfters(afters.slice(0, -1))}>
            Back
          </Button>
          <Button
            size="sm"
            disabled={data.next_after == null}
            onClick={() => data.next_after != null && onAfters([...afters, data.next_after])}
          >
            Next {PAGE}
          </Button>
        </div>
      )}
    </section>
  );
}
