import type { ReactNode } from "react";
import type { FlowLogDetail } from "../../api/schema";
import { useZone } from "../../state/zone";
import { formatTime, zoneName } from "../../time/format";
import { Pill } from "../../ui/State";
import { destinationWord, resourceWord, TrafficPill } from "../flowLogs/status";

/** Everything that a flow log is. */
export function FlowLogFacts({ flowLog }: { flowLog: FlowLogDetail }) {
  const zone = useZone();
  const facts: [string, ReactNode][] = [
    [
      "Resource",
      <>
        {flowLog.resource_name && <>{flowLog.resource_name} </>}
        <span className="quiet-text">{resourceWord(flowLog.resource_type)}</span>
        <br />
        <span className="mono">{flowLog.resource_id}</span>
      </>,
    ],
    ["Traffic", <TrafficPill key="traffic" type={flowLog.traffic_type} />],
    ["Interval", flowLog.interval_s >= 120 ? `${flowLog.interval_s / 60} minutes` : "1 minute"],
    [
      "Destination",
      <>
        {destinationWord(flowLog.destination.type)} {flowLog.destination.name}
        {flowLog.destination.folder && `, folder ${flowLog.destination.folder}`}
        <br />
        <span className="mono">{flowLog.destination.arn}</span>
      </>,
    ],
    ["Files", flowLog.options ? optionWords(flowLog.options) : null],
    ["Role", flowLog.role_arn && <span className="mono">{flowLog.role_arn}</span>],
    [
      "Other account's role",
      flowLog.cross_account_role_arn && (
        <span className="mono">{flowLog.cross_account_role_arn}</span>
      ),
    ],
    ["Status", flowLog.status === "ACTIVE" ? "Active" : flowLog.status],
    ["Created", `${formatTime(flowLog.created_s, zone)} ${zoneName(zone)}`],
    ["Fields", String(flowLog.fields)],
    ["Tag fields", tagFieldWords(flowLog.tag_fields)],
    ["Tags", tagPills(flowLog.tags)],
  ];
  return (
    <section className="card" aria-label="Settings">
      <h2>Settings</h2>
      <dl className="facts">
        {facts
          .filter(([, value]) => value)
          .map(([name, value]) => (
            <div key={name} style={{ display: "contents" }}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
      </dl>
    </section>
  );
}

function optionWords(options: NonNullable<FlowLogDetail["options"]>): string {
  const words = [options.parquet ? "Parquet" : "text"];
  if (options.hive_compatible_partitions) words.push("Hive-compatible folders");
  if (options.per_hour_partition) words.push("a folder for each hour");
  return words.join(", ");
}

function tagFieldWords(fields: Record<string, string[]>): string | null {
  const entries = Object.entries(fields);
  return entries.length
    ? entries.map(([owner, keys]) => `${owner}: ${keys.join(", ")}`).join("; ")
    : null;
}

function tagPills(tags: Record<string, string>): ReactNode {
  const entries = Object.entries(tags);
  if (!entries.length) return null;
  return (
    <span className="row">
      {entries.map(([key, value]) => (
        <Pill key={key}>
          {key} = {value || "(empty)"}
        </Pill>
      ))}
    </span>
  );
}
