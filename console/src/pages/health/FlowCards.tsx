import type { ReactNode } from "react";
import type { Health } from "../../api/schema";
import { Link } from "../../app/Link";
import { serverNow } from "../../state/clock";
import { useZone } from "../../state/zone";
import {
  bytesFigure,
  countFigure,
  type Figure,
  formatAgo,
  formatBytes,
  formatCount,
  formatDuration,
  formatTime,
  NONE,
  zoneName,
} from "../../time/format";
import { Pill } from "../../ui/State";

export interface HealthCardProps {
  title: string;
  /** What the figures come to, as a sentence. */
  text: ReactNode;
  figures?: [string, Figure][];
  tools?: ReactNode;
  children?: ReactNode;
}

/** A group of figures with a sentence. */
export function HealthCard({ title, text, figures, children }: HealthCardProps) {
  return (
    <section className="card health-card" aria-label={title}>
      <h2>{title}</h2>
      {figures && (
        <dl className="health-figures">
          {figures.map(([label, { number, unit }]) => (
            <div key={label}>
              <dt>{label}</dt>
              <dd className="num">
                {number}
                {unit && <small>{unit}</small>}
              </dd>
            </div>
          ))}
        </dl>
      )}
      <p>{text}</p>
      {children}
    </section>
  );
}

function secondsFigure(seconds: number | null | undefined): Figure {
  if (seconds == null) return { number: NONE, unit: "" };
  const [number = "", ...unit] = formatDuration(seconds).split(" ");
  return { number, unit: unit.join(" ") };
}

/** What is metered. */
export function CaptureCard({ health }: { health: Health }) {
  const { capture } = health;
  if (!capture.running) {
    return (
      <HealthCard
        title="Capture"
        text={
          <>
            Nothing is metered: this server serves records that are there. Run{" "}
            <code>sudo vpcflow run</code> on the host whose traffic you want to see.
          </>
        }
      />
    );
  }
  const skipped = capture.packets["not-metered"] ?? 0;
  return (
    <HealthCard
      title="Capture"
      figures={[
        ["Interfaces", countFigure(capture.interfaces)],
        ["Records made", countFigure(capture.records)],
        ["Packets metered", countFigure(capture.packets.metered ?? 0)],
      ]}
      text={
        <>
          Since the start; records are made every {formatDuration(capture.interval_s)}.{" "}
          {capture.nodata_records
            ? `${formatCount(capture.nodata_records)} are NODATA: an interface was silent. `
            : ""}
          {capture.skipdata_records ? (
            <span className="reject-text">
              {formatCount(capture.skipdata_records)} SKIPDATA: more came than could be counted.
            </span>
          ) : (
            "All that came was counted."
          )}
          {skipped ? ` ${formatCount(skipped)} packets were of no metered interface.` : ""}
        </>
      }
    />
  );
}

/** The table. */
export function RecordsCard({ health }: { health: Health }) {
  const { records } = health;
  const zone = useZone();
  const figures: [string, Figure][] = [
    ["Records", countFigure(records.rows)],
    ["On disk", bytesFigure(records.bytes)],
    ["Newest record", secondsFigure(records.lag_s)],
  ];
  if (!records.rows || records.first_s == null || records.last_s == null) {
    return (
      <HealthCard
        title="Records"
        text={
          <>
            The table is empty. Meter a host, or take in files: <Link to="/sources">Sources</Link>.
          </>
        }
      />
    );
  }
  return (
    <HealthCard
      title="Records"
      figures={figures}
      text={
        <>
          From {formatTime(records.first_s, zone, "minute")} to{" "}
          {formatTime(records.last_s, zone, "minute")} {zoneName(zone)}, in{" "}
          {formatCount(records.files)} files, {formatBytes(records.bytes / records.rows)} a record.{" "}
          {records.committed_s &&
            `The table was written ${formatAgo(records.committed_s, serverNow())}.`}
        </>
      }
    />
  );
}

const TONES: Record<string, "ok" | "crit" | "info"> = { SUCCESS: "ok", FAILED: "crit" };

/** Flow logs and what waits for them. */
export function DeliveryCard({ health }: { health: Health }) {
  const { delivery } = health;
  const states = Object.entries(delivery.flow_logs).filter(([, count]) => count > 0);
  if (!states.length) {
    return (
      <HealthCard
        title="Delivery"
        text={
          <>
            No flow logs: nothing is delivered anywhere. <Link to="/flow-logs/new">Create one</Link>
            .
          </>
        }
      />
    );
  }
  return (
    <HealthCard
      title="Delivery"
      figures={[
        ["Waiting", bytesFigure(delivery.journal_bytes)],
        ["Oldest waits", secondsFigure(delivery.oldest_waits_s)],
        ["Behind", countFigure(delivery.flow_logs_behind)],
      ]}
      text={
        delivery.lost_records ? (
          <span className="reject-text">
            {formatCount(delivery.lost_records)} records in {formatCount(delivery.lost_batches)}{" "}
            batches were lost and stand as SKIPDATA.
          </span>
        ) : (
          "No record was lost on the way."
        )
      }
    >
      <p className="row">
        {states.map(([state, count]) => (
          <Pill key={state} tone={TONES[state] ?? "info"}>
            {count} {state === "SUCCESS" ? "can deliver" : state.toLowerCase()}
          </Pill>
        ))}
        <Link to="/flow-logs">Flow logs</Link>
      </p>
    </HealthCard>
  );
}
