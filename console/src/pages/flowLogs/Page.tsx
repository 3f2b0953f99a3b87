import { Plus, ScrollText } from "lucide-react";
import { useMemo } from "react";
import { useJson } from "../../api/hooks";
import type { FlowLogHead, FlowLogList } from "../../api/schema";
import { ThemeButton } from "../../app/actions";
import { Page } from "../../app/Page";
import { useMay } from "../../app/session";
import { useEvery } from "../../state/every";
import { hrefOf, navigate, useUrlParam } from "../../state/location";
import { Button } from "../../ui/Button";
import { Segmented } from "../../ui/Choice";
import { DataTable } from "../../ui/DataTable";
import { hasWords, SearchField } from "../../ui/SearchField";
import { EmptyState, ErrorState, Skeleton } from "../../ui/State";
import { COLUMNS } from "./columns";
import { statusOf } from "./status";
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
          columns={COLUMNS}
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
