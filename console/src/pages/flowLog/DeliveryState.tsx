import { CircleAlert, CircleCheck, Clock, TriangleAlert } from "lucide-react";
import type { FlowLogDetail } from "../../api/schema";
import { useZone } from "../../state/zone";
import { formatCount, formatDuration, formatTime, zoneName } from "../../time/format";
import { Pill } from "../../ui/State";
import { statusOf } from "../flowLogs/status";

/** How delivery fares, in a sentence, and what to do where it does not. */
export function DeliveryState({ flowLog }: { flowLog: FlowLogDetail }) {
  const zone = useZone();
  const { tone, word } = statusOf(flowLog);
  const problem = flowLog.problems[0];
  if (problem) {
    return (
      <section className="fl-banner crit" aria-label="Delivery" role="status">
        <CircleAlert size={16} aria-hidden />
        <strong>{problem.message}</strong>
        <p>{problem.why}.</p>
        <p>
          <strong>What to do:</strong> {problem.hint}.
        </p>
      </section>
    );
  }
  if (flowLog.delivered_until_s == null) {
    return (
      <section className="fl-banner" aria-label="Delivery" role="status">
        <Clock size={16} aria-hidden />
        <strong>Waiting for the first records</strong>
        <p>
          A record is made when its interval ends. {WAITS[flowLog.destination.type]} This page looks
          by itself.
        </p>
      </section>
    );
  }
  const until = `${formatTime(flowLog.delivered_until_s, zone, "second")} ${zoneName(zone)}`;
  const Icon = tone === "ok" ? CircleCheck : TriangleAlert;
  return (
    <section className={`fl-banner ${tone}`} aria-label="Delivery" role="status">
      <Icon size={16} aria-hidden />
      <span>
        <strong>{word}</strong> <Pill tone="plain">{flowLog.delivery_status}</Pill>
      </span>
      <p className="num">
        Everything until {until} was delivered, {formatDuration(flowLog.lag_s ?? 0)} ago.{" "}
        {flowLog.lost_records > 0
          ? `${formatCount(flowLog.lost_records)} records were lost on the way and stand as SKIPDATA.`
          : "No record was lost."}
      </p>
    </section>
  );
}

const WAITS: Record<string, string> = {
  "cloud-watch-logs": "It then goes to the log group within seconds.",
  s3: "Files are written to the bucket every few minutes.",
  "kinesis-data-firehose": "It then goes to the stream within seconds.",
};
