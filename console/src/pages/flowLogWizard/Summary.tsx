import { Plus } from "lucide-react";
import type { Asked } from "../../api/hooks";
import type { FlowLogOrder, FlowLogPlan, PlanWay } from "../../api/schema";
import { useLate } from "../../panels/PanelFrame";
import { formatBytes, formatCount } from "../../time/format";
import { Button } from "../../ui/Button";
import { CopyBlock } from "../../ui/CopyBlock";
import { Pill, type Tone } from "../../ui/State";
import { createCommand, type Endpoint } from "../flowLogs/commands";
import { destinationWord } from "../flowLogs/status";
import { type Draft, type Gap, orderOf } from "./draft";

export interface SummaryProps {
  draft: Draft;
  plan: Asked<FlowLogPlan>;
  gaps: Gap[];
  ready: boolean | undefined;
  sending: boolean;
  endpoint: Endpoint | undefined;
  onCreate: () => void;
}

/** What would be made, what it costs, and the button. */
export function Summary(props: SummaryProps) {
  const { draft, plan, gaps, ready, sending, endpoint } = props;
  const order = orderOf(draft);
  const count = Math.max(1, draft.resources.length);
  return (
    <aside className="card summary" aria-label="Summary">
      <h2>Summary</h2>
      <Facts draft={draft} order={order} />
      <PlanView plan={plan} order={order} />
      {gaps.length > 0 && (
        <p className="quiet-text">Still to do: {gaps.map((gap) => gap.text).join(" ")}</p>
      )}
      {gaps.length === 0 && ready === false && (
        <p className="crit-text">The check says that delivery would fail. It can be made anyway.</p>
      )}
      <Button kind="primary" icon={<Plus size={14} />} busy={sending} onClick={props.onCreate}>
        Create {count === 1 ? "flow log" : `${count} flow logs`}
      </Button>
      <details>
        <summary>The same with the AWS CLI</summary>
        <CopyBlock label="the AWS CLI command" text={createCommand(order, endpoint)} />
      </details>
    </aside>
  );
}

const TRAFFIC = { ALL: "All traffic", ACCEPT: "Accepted traffic", REJECT: "Rejected traffic" };

function Facts({ draft, order }: { draft: Draft; order: FlowLogOrder }) {
  const { resources } = draft;
  const what = resources.length > 1 ? `${resources.length} resources` : resources[0];
  const place = order.destination?.replace(/^arn:aws:(s3:::|firehose:[^/]*\/)/, "");
  return (
    <dl className="facts">
      <dt>Of</dt>
      <dd className={resources.length === 1 ? "mono" : ""}>{what ?? "nothing yet"}</dd>
      <dt>Traffic</dt>
      <dd>
        {TRAFFIC[draft.traffic]}, every {draft.interval === 60 ? "minute" : "10 minutes"}
      </dd>
      <dt>To</dt>
      <dd>
        {destinationWord(draft.destination)} {place && <span className="mono">{place}</span>}
      </dd>
      <dt>Format</dt>
      <dd>{draft.custom ? "custom" : "AWS's default"}</dd>
    </dl>
  );
}

const CERTAINTY: Record<string, [Tone, string]> = {
  high: ["ok", "sure"],
  medium: ["warn", "fairly sure"],
  low: ["warn", "rough"],
  none: ["plain", "not known"],
};

function PlanView({ plan, order }: { plan: Asked<FlowLogPlan>; order: FlowLogOrder }) {
  const busy = useLate(plan.loading);
  const data = plan.data;
  if (!order.resource_ids.length) {
    return <p className="quiet-text">Choose resources to see volume and price.</p>;
  }
  if (plan.fault && !plan.loading) {
    return (
      <p className="field-error" role="alert">
        No plan: {plan.fault.message}{" "}
        <button type="button" className="link" onClick={plan.retry}>
          Retry
        </button>
      </p>
    );
  }
  if (!data) return <p className="quiet-text">Measuring recent traffic…</p>;
  const [tone, word] = CERTAINTY[data.certainty] ?? ["plain", data.certainty];
  const ways = data.ways.filter((way) => way.destination_type === order.destination_type);
  const shown = order.options
    ? ways.filter((way) => way.way.includes("Parquet") === order.options?.parquet)
    : ways;
  return (
    <section
      className={`plan ${busy ? "dimmed" : ""}`}
      aria-label="Volume and price"
      aria-busy={busy}
    >
      <div className="plan-head">
        <strong>A month at AWS</strong>
        <Pill tone={tone}>{word}</Pill>
      </div>
      {data.certainty === "none" ? (
        <p className="quiet-text">No records of it yet, so nothing can be measured.</p>
      ) : (
        <>
          <p className="plan-figure num">{priceOf(shown)}</p>
          <p className="quiet-text">
            {formatCount(data.records_per_month)} records, {gigabytes(shown)} billed
          </p>
        </>
      )}
      {data.doubts.length > 0 && data.certainty !== "none" && (
        <ul className="doubts">
          {data.doubts.map((doubt) => (
            <li key={doubt}>{doubt}</li>
          ))}
        </ul>
      )}
      <PlanDetails data={data} />
    </section>
  );
}

function priceOf(ways: PlanWay[]): string {
  const known = ways.filter((way) => way.usd !== null).map((way) => way.usd as number);
  if (!known.length) return "no price known";
  const low = Math.min(...known);
  const high = Math.max(...known);
  return low === high ? money(low) : `${money(low)} to ${money(high)}`;
}

function money(usd: number): string {
  if (usd > 0 && usd < 0.01) return "< $0.01";
  return `$${usd.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`;
}

function gigabytes(ways: PlanWay[]): string {
  return formatBytes((ways[0]?.billed_gb ?? 0) * 1e9);
}

function PlanDetails({ data }: { data: FlowLogPlan }) {
  return (
    <details>
      <summary>All ways, and what was taken for granted</summary>
      <div className="stack details-body">
        <table className="plan-table">
          <caption className="sr">Every way to deliver, for a month</caption>
          <thead>
            <tr>
              <th scope="col">Way</th>
              <th scope="col">Stored</th>
              <th scope="col">Price</th>
            </tr>
          </thead>
          <tbody>
            {data.ways.map((way) => (
              <tr key={way.way}>
                <th scope="row">{way.way}</th>
                <td className="num">{formatBytes(way.stored_gb * 1e9)}</td>
                <td className="num">{way.usd === null ? "not known" : money(way.usd)}</td>
              </tr>
            ))}
          </tbody>
        </table>
        <p className="quiet-text">
          Prices of {data.price_region}, {data.price_date}. {data.price_source}
        </p>
        <Small title="Taken for granted" lines={data.taken_for_granted} />
        <Small title="Not counted" lines={data.not_counted} />
      </div>
    </details>
  );
}

function Small({ title, lines }: { title: string; lines: string[] }) {
  return (
    <div>
      <strong>{title}</strong>
      <ul className="doubts">
        {lines.map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
    </div>
  );
}
