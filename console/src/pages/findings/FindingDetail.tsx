import { LayoutDashboard, Link2, Search } from "lucide-react";
import { useMemo } from "react";
import type { Finding } from "../../api/findings";
import { useAnswer } from "../../api/hooks";
import { column } from "../../api/types";
import { Link } from "../../app/Link";
import { TimeBars } from "../../charts/TimeChart";
import { copyLink } from "../../panels/PanelFrame";
import { permalink, type Span, useRange } from "../../state/range";
import { useZone } from "../../state/zone";
import { formatRange, formatTime } from "../../time/format";
import { Button } from "../../ui/Button";
import { Drawer } from "../../ui/Dialog";
import { EmptyState, ErrorState, Pill, Skeleton } from "../../ui/State";
import { DecidingRules, TopOf } from "./FindingParts";
import { findingLink, kindName, severityWords, spanAround, spanOf } from "./words";

interface FindingDetailProps {
  finding: Finding;
  onClose: () => void;
}

/** A finding with what is around it: records over time, who and where to, the rules that decided. */
export function FindingDetail({ finding, onClose }: FindingDetailProps) {
  const { tone, name } = severityWords(finding.severity);
  const zone = useZone();
  const around = spanAround(finding);
  const own = spanOf(finding);
  return (
    <Drawer
      title={finding.title}
      onClose={onClose}
      size="lg"
      className="finding-drawer"
      footer={<Ways finding={finding} />}
    >
      <div className="stack">
        <div className="row">
          <Pill tone={tone}>{name}</Pill>
          <span className="quiet-text">{kindName(finding.kind)}</span>
        </div>
        <dl className="facts">
          <dt>Evidence</dt>
          <dd>{finding.evidence}</dd>
          <dt>When</dt>
          <dd className="num">
            {finding.start_s === null
              ? "Now"
              : finding.end_s === null
                ? `Since ${formatTime(finding.start_s, zone, "minute")}`
                : formatRange({ start: finding.start_s, end: finding.end_s }, zone)}
          </dd>
          <dt>What to do</dt>
          <dd className="finding-todo">{finding.next}</dd>
        </dl>
        {finding.filter && around && own && (
          <>
            <Around finding={finding} span={around} />
            {finding.kind === "rejected-burst" && (
              <>
                <div className="finding-tops">
                  <TopOf title="Sources" by="srcaddr" finding={finding} span={own} />
                  <TopOf title="Targets" by="dstaddr" finding={finding} span={own} />
                  <TopOf title="Ports" by="dstport" finding={finding} span={own} />
                </div>
                <DecidingRules finding={finding} span={own} />
              </>
            )}
          </>
        )}
      </div>
    </Drawer>
  );
}

function Ways({ finding }: { finding: Finding }) {
  const range = useRange();
  return (
    <>
      <Button icon={<Link2 size={14} />} onClick={() => copyLink(permalink(range))}>
        Copy link
      </Button>
      <span className="grow" />
      {finding.flow_log_id && (
        <Link className="btn" to={`/flow-logs/${encodeURIComponent(finding.flow_log_id)}`}>
          Open the flow log
        </Link>
      )}
      {(finding.kind === "loss" || finding.kind === "disk") && (
        <Link className="btn" to="/health">
          Open health
        </Link>
      )}
      {finding.filter && (
        <>
          <Link className="btn" to={findingLink("/dashboards/overview", finding)} keep={false}>
            <LayoutDashboard size={14} aria-hidden /> Show on dashboard
          </Link>
          <Link className="btn primary" to={findingLink("/explore", finding)} keep={false}>
            <Search size={14} aria-hidden /> Open records
          </Link>
        </>
      )}
    </>
  );
}

function Around({ finding, span }: { finding: Finding; span: Span }) {
  const zone = useZone();
  const options = { range: span, filter: finding.filter, pageFilter: false };
  const asked = useAnswer("series", {}, options);
  const answer = asked.data;
  const chart = useMemo(() => {
    const times = Array.from(column(answer, "time"), Number);
    const rejected = Array.from(column(answer, "rejected"), Number);
    const records = Array.from(column(answer, "records"), Number);
    return { times, rejected, accepted: records.map((all, at) => all - (rejected[at] ?? 0)) };
  }, [answer]);
  const title = finding.kind === "rejected-burst" ? "Rejected records" : "Records";
  const series = [
    { name: "accepted", label: "Accepted", values: chart.accepted },
    { name: "rejected", label: "Rejected", values: chart.rejected },
  ].filter((line) => line.values.some((value) => value > 0));
  return (
    <section className="finding-around" aria-label={`${title} around it`}>
      <h3>{title} around it</h3>
      <div className="finding-chart">
        {asked.fault && <ErrorState fault={asked.fault} onRetry={asked.retry} />}
        {!answer && !asked.fault && <Skeleton lines={4} />}
        {answer && !series.length && <EmptyState title="No records around it" action={<span />} />}
        {answer && series.length > 0 && (
          <TimeBars
            times={chart.times}
            interval_s={answer.time?.interval_s ?? 60}
            series={series}
            kind="count"
            zone={zone}
            title={`${title} around the finding`}
            legend="inside"
            markers={
              finding.start_s === null
                ? []
                : [{ at_s: finding.start_s, label: "begins", bad: finding.severity !== "low" }]
            }
          />
        )}
      </div>
    </section>
  );
}
