import { ArrowUpRight, ChevronLeft, Trash2 } from "lucide-react";
import { useState } from "react";
import { session } from "../../api/client";
import { type Asked, useJson } from "../../api/hooks";
import type { FlowLogDetail, Health } from "../../api/schema";
import { ThemeButton } from "../../app/actions";
import { Link } from "../../app/Link";
import { Page } from "../../app/Page";
import type { PageProps } from "../../app/routes";
import { useMay } from "../../app/session";
import { useEvery } from "../../state/every";
import { hrefOf, navigate } from "../../state/location";
import { Button } from "../../ui/Button";
import { CopyBlock } from "../../ui/CopyBlock";
import { EmptyState, ErrorState, Skeleton } from "../../ui/State";
import { deleteCommand, describeCommand, type Endpoint, readCommand } from "../flowLogs/commands";
import { filterOf } from "../flowLogs/records";
import { CheckSteps } from "../flowLogWizard/CheckSteps";
import { useCheck } from "../flowLogWizard/useCheck";
import { DeleteFlowLog } from "./DeleteFlowLog";
import { DeliveryState } from "./DeliveryState";
import { FlowLogFacts } from "./FlowLogFacts";
import { FlowLogRecords } from "./FlowLogRecords";
import "../flowLogWizard/wizard.css";
import "./flowLog.css";

/** How often a flow log is asked for: while one waits for its first records, and then. */
const WAITING_MS = 2_000;
const AGAIN_MS = 15_000;

/** One flow log: how it fares, its records, all of what it is. */
export default function FlowLogPage({ params }: PageProps) {
  const id = params.id ?? "";
  const asked = useJson<FlowLogDetail>(`/flow-logs/${encodeURIComponent(id)}`);
  const waits = asked.data !== undefined && asked.data.delivered_until_s == null;
  useEvery(asked.fault?.status === 404 ? null : waits ? WAITING_MS : AGAIN_MS, asked.retry);
  const [deleting, setDeleting] = useState(false);
  const may = useMay("flow_logs_delete");
  const flowLog = asked.fault?.status === 404 ? undefined : asked.data;
  const actions = (
    <>
      {flowLog && (
        <Button
          icon={<ArrowUpRight size={14} />}
          onClick={() => navigate(hrefOf("/explore", { filter: filterOf(flowLog) }))}
        >
          Explore
        </Button>
      )}
      {flowLog && may && (
        <Button kind="danger" icon={<Trash2 size={14} />} onClick={() => setDeleting(true)}>
          Delete
        </Button>
      )}
      <ThemeButton />
    </>
  );
  return (
    <Page
      title={flowLog?.name || id}
      subtitle={flowLog?.name ? <span className="mono">{id}</span> : undefined}
      actions={actions}
    >
      <p className="back">
        <Link to="/flow-logs">
          <ChevronLeft size={14} aria-hidden />
          Flow logs
        </Link>
      </p>
      <Body asked={asked} id={id} />
      {deleting && flowLog && (
        <DeleteFlowLog flowLog={flowLog} onClose={() => setDeleting(false)} />
      )}
    </Page>
  );
}

function Body({ asked, id }: { asked: Asked<FlowLogDetail>; id: string }) {
  if (asked.fault?.status === 404) {
    return (
      <EmptyState
        title="There is no such flow log"
        action={
          <Button size="sm" onClick={() => navigate(hrefOf("/flow-logs"))}>
            All flow logs
          </Button>
        }
      >
        {id} was deleted, or belongs to another account or region.
      </EmptyState>
    );
  }
  if (!asked.data) {
    return asked.fault ? (
      <ErrorState fault={asked.fault} onRetry={asked.retry} />
    ) : (
      <Skeleton lines={6} />
    );
  }
  const flowLog = asked.data;
  return (
    <div className="fl-detail">
      <div className="stack">
        <DeliveryState flowLog={flowLog} />
        {flowLog.problems.length > 0 && <Mending flowLog={flowLog} />}
        <FlowLogRecords flowLog={flowLog} />
        <SampleLine flowLog={flowLog} />
      </div>
      <div className="stack">
        <FlowLogFacts flowLog={flowLog} />
        <Commands flowLog={flowLog} />
      </div>
    </div>
  );
}

/** What its role and destination lack, with the document that mends it. */
function Mending({ flowLog }: { flowLog: FlowLogDetail }) {
  const check = useCheck({
    resource_ids: [flowLog.resource_id],
    traffic_type: flowLog.traffic_type,
    destination_type: flowLog.destination.type,
    destination: flowLog.destination.arn,
    role_arn: flowLog.role_arn,
    cross_account_role_arn: flowLog.cross_account_role_arn,
    interval_s: flowLog.interval_s,
    options: flowLog.options,
  });
  return (
    <section className="card" aria-label="What it lacks">
      <h2>What it lacks</h2>
      <CheckSteps check={check} waiting="Looking at its role and destination…" />
    </section>
  );
}

function SampleLine({ flowLog }: { flowLog: FlowLogDetail }) {
  return (
    <section className="card" aria-label="Format">
      <h2>Format</h2>
      <div className="stack">
        <div className="fl-format">
          {flowLog.header.split(" ").map((name, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the order of a format is fixed
            <span key={`${name} ${index}`} className="mono">
              {name}
            </span>
          ))}
        </div>
        <div>
          <p className="quiet-text">
            {flowLog.sample === "record" ? "The newest record in it" : "An example in it"}
          </p>
          <CopyBlock label="the sample line" text={flowLog.sample_line} />
        </div>
      </div>
    </section>
  );
}

function Commands({ flowLog }: { flowLog: FlowLogDetail }) {
  const { data } = useJson<Health>("/health");
  const region = session.use()?.region ?? "";
  const endpoint: Endpoint | undefined = data?.endpoint
    ? { url: data.endpoint, region }
    : undefined;
  const read = readCommand(flowLog.destination, endpoint);
  return (
    <section className="card stack" aria-label="With the AWS CLI">
      <h2>With the AWS CLI</h2>
      {read && (
        <div>
          <p className="quiet-text">Read what was delivered</p>
          <CopyBlock wide label="the command that reads it" text={read} />
        </div>
      )}
      <div>
        <p className="quiet-text">Look at it</p>
        <CopyBlock
          wide
          label="the command that shows it"
          text={describeCommand(flowLog.id, endpoint)}
        />
      </div>
      <div>
        <p className="quiet-text">Delete it</p>
        <CopyBlock
          wide
          label="the command that deletes it"
          text={deleteCommand(flowLog.id, endpoint)}
        />
      </div>
    </section>
  );
}
