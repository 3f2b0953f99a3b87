import { Plus, ScrollText } from "lucide-react";
import { useMemo } from "react";
import { useJson } from "../../api/hooks";
import type { FlowLogHead, FlowLogList } from "../../api/schema";
import { ThemeButton } from "../../app/actions";
import { Link } from "../../app/Link";
import { Page } from "../../app/Page";
import { useMay } from "../../app/session";
import { useEvery } from "../../state/every";
import { hrefOf, navigate, useUrlParam } from "../../state/location";
import { useZone } from "../../state/zone";
import { formatDuration, formatTime, NONE } from "../../time/format";
import { Button } from "../../ui/Button";
import { Segmented } from "../../ui/Choice";
import { DataTable, type TableColumn } from "../../ui/DataTable";
import { hasWords, SearchField } from "../../ui/SearchField";
import { EmptyState, ErrorState, Skeleton } from "../../ui/State";
import { destinationWord, resourceWord, StatusPill, statusOf, TrafficPill } from "./status";
import "./flowLogs.css";

const AGAIN_MS = 10_000;

/** Flow logs with how their delivery fares. */
export default function FlowLogsPage() {
  const asked = useJson<FlowLogList>("/flow-logs");
  useEvery(AGAIN_MS, asked.retry);
  const list = asked.data?.flow_logs;
  const failed = list?.filter((one) => statusOf(one).tone === "crit").length ?? 0;
  const subtitle = list?.length
    ? `${list.length}${failed ? `, ${failed} cannot deliver` : ", all as they should be"}`
    : undefined;
  const actions = (
    <>
      {list && list.length > 0 && <CreateButton />}
      <ThemeButton />
    </>
  );
  return (
    <Page title="Flow logs" subtitle={subtitle} actions={actions}>
      {list === undefined &&
        (asked.fault ? <ErrorState fault={asked.fault} onRetry={asked.retry} /> : <Skeleton />)}
      {list?.length === 0 && <FirstOne />}
      {list && list.length > 0 && <FlowLogTable list={list} />}
    </Page>
  );
}

/** Leads to the wizard, for those who may. */
function CreateButton() {
  if (!useMay("flow_logs_create")) return null;
  return (
    <Button
      kind="primary"
      icon={<Plus size={14} />}
      onClick={() => navigate(hrefOf("/flow-logs/new"))}
    >
      Create flow log
    </Button>
  );
}

function FirstOne() {
  const may = useMay("flow_logs_create");
  return (
    <div className="fl-first">
      <ScrollText size={28} aria-hidden />
      <h2>No flow logs yet</h2>
      <p>
        A flow log delivers a record of every connection of a VPC, subnet or interface, accepted or
        rejected, to a log group, a bucket or a stream.
      </p>
      {may ? (
        <CreateButton />
      ) : (
        <p>To create one you need ec2:CreateFlowLogs; ask whoever manages your account.</p>
      )}
    </div>
  );
}

function FlowLogTable({ list }: { list: FlowLogHead[] }) {
  const [words, setWords] = useUrlParam("q");
  const [status, setStatus] = useUrlParam("status", "all");
  const columns = useColumns();
  const shown = useMemo(
    () =>
      list.filter((one) => fits(one, words) && (status === "all" || statusOf(one).tone !== "ok")),
    [list, words, status],
  );
  return (
    <>
      <div className="fl-head">
        <SearchField
          className="fl-search"
          label="Search flow logs"
          placeholder="Search by name, id, resource or destination"
          value={words}
          onChange={(value) => setWords(value, { replace: true })}
        />
        <Segmented
          label="Which flow logs"
          value={status}
          options={[
            { value: "all", label: "All" },
            { value: "attention", label: "Need attention" },
          ]}
          onChange={(next) => setStatus(next, { replace: true })}
        />
        <span className="quiet-text" role="status">
          {shown.length === list.length ? "" : `${shown.length} of ${list.length}`}
        </span>
      </div>
      <div className="card fl-table">
        <DataTable
          label="Flow logs"
          columns={columns}
          rows={shown}
          fixed
          sort={{ key: "created_s", descending: true }}
          rowKey={(one) => one.id}
          onRow={(one) => navigate(hrefOf(`/flow-logs/${encodeURIComponent(one.id)}`))}
          empty={
            <EmptyState
              title="No flow log fits"
              action={
                <Button
                  size="sm"
                  onClick={() => {
                    setWords(null, { replace: true });
                    setStatus("all", { replace: true });
                  }}
                >
                  Show all
                </Button>
              }
            >
              {list.length} are there.
            </EmptyState>
          }
        />
      </div>
    </>
  );
}

function fits(one: FlowLogHead, words: string): boolean {
  const text = `${one.name} ${one.id} ${one.resource_id} ${one.resource_name} ${one.destination.label} ${one.traffic_type}`;
  return hasWords(text, words);
}

function useColumns(): TableColumn<FlowLogHead>[] {
  const zone = useZone();
  return useMemo(
    () => [
      {
        key: "name",
        width: "22%",
        label: "Flow log",
        value: (one) => one.name || one.id,
        render: (one) => (
          <span className="fl-name">
            <Link to={`/flow-logs/${encodeURIComponent(one.id)}`} title={one.name || one.id}>
              <strong>{one.name || one.id}</strong>
            </Link>
            {one.name && <span className="mono">{one.id}</span>}
          </span>
        ),
      },
      {
        key: "resource",
        width: "18%",
        label: "Resource",
        value: (one) => one.resource_name || one.resource_id,
        render: (one) => (
          <span className="fl-name">
            <span title={one.resource_name}>
              {one.resource_name || one.resource_id}{" "}
              <span className="quiet-text">{resourceWord(one.resource_type)}</span>
            </span>
            {one.resource_name && <span className="mono">{one.resource_id}</span>}
          </span>
        ),
      },
      {
        key: "traffic",
        width: "8%",
        label: "Traffic",
        value: (one) => one.traffic_type,
        render: (one) => <TrafficPill type={one.traffic_type} />,
      },
      {
        key: "destination",
        width: "15%",
        label: "Destination",
        value: (one) => one.destination.label,
        render: (one) => (
          <span className="fl-name">
            <span title={one.destination.arn}>
              {one.destination.name}
              {one.destination.folder && `/${one.destination.folder}`}
            </span>
            <span className="quiet-text">{destinationWord(one.destination.type)}</span>
          </span>
        ),
      },
      {
        key: "status",
        width: "18%",
        label: "Status",
        value: (one) => statusOf(one).word,
        render: (one) => (
          <span className="fl-name">
            <span>
              <StatusPill flowLog={one} />
            </span>
            {statusOf(one).why && <span className="fl-why">{statusOf(one).why}</span>}
          </span>
        ),
      },
      {
        key: "lag_s",
        label: "Last delivered",
        kind: "duration",
        align: "left",
        value: (one) => one.lag_s ?? null,
        render: (one) => (
          <span
            className="num"
            title={one.delivered_until_s ? formatTime(one.delivered_until_s, zone) : ""}
          >
            {one.lag_s == null ? NONE : `${formatDuration(one.lag_s)} ago`}
          </span>
        ),
      },
      {
        key: "created_s",
        width: "10%",
        label: "Created",
        kind: "time",
        value: (one) => one.created_s,
        render: (one) => (
          <span className="num" title={formatTime(one.created_s, zone)}>
            {formatTime(one.created_s, zone, "minute")}
          </span>
        ),
      },
    ],
    [zone],
  );
}
