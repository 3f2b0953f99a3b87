import { session } from "../../api/client";
import type { Health } from "../../api/schema";
import { Link } from "../../app/Link";
import { bytesFigure, formatBytes, formatCount, formatRatio, NONE } from "../../time/format";
import { CopyBlock } from "../../ui/CopyBlock";
import { HealthCard } from "./FlowCards";

/** Days that are worth telling; more is "years". */
const DAYS_TOLD_MAX = 3_650;

/** The disk and how long it lasts. */
export function StorageCard({ health }: { health: Health }) {
  const { storage } = health;
  const whole = Math.max(storage.disk_bytes, 1);
  const own = Math.min(storage.table_bytes, storage.used_bytes);
  const other = Math.max(0, storage.disk_bytes - storage.free_bytes - own);
  const days = storage.days_until_full;
  const lasts =
    days == null
      ? "It does not grow day by day yet."
      : days > DAYS_TOLD_MAX
        ? `At ${formatBytes(storage.bytes_a_day)} a day it lasts for years.`
        : `At ${formatBytes(storage.bytes_a_day)} a day it is full in ${formatCount(days)} days.`;
  const sentence = `${formatBytes(storage.free_bytes)} of ${formatBytes(whole)} are free.`;
  return (
    <HealthCard
      title="Storage"
      figures={[
        ["Table", bytesFigure(storage.table_bytes)],
        ["Free", bytesFigure(storage.free_bytes)],
        ["Days until full", { number: daysText(days), unit: "" }],
      ]}
      text={
        <>
          {lasts} <Link to="/settings?tab=retention">What would go when</Link>
        </>
      }
    >
      <div className="disk" role="img" aria-label={sentence}>
        <i className="own" style={{ width: `${(own / whole) * 100}%` }} />
        <i style={{ width: `${(other / whole) * 100}%` }} />
      </div>
      <div className="disk-legend num">
        <span>
          <i className="own" />
          records {formatBytes(own)}
        </span>
        <span>
          <i />
          everything else {formatBytes(other)}
        </span>
        <span>
          <i className="free" />
          free {formatBytes(storage.free_bytes)}, {formatRatio(storage.free_bytes / whole)}
        </span>
      </div>
      <p className="mono">{storage.folder}</p>
    </HealthCard>
  );
}

function daysText(days: number | null): string {
  if (days == null) return NONE;
  return days > DAYS_TOLD_MAX ? "years" : formatCount(days);
}

/** What was lost since the start. */
export function LossesCard({ health }: { health: Health }) {
  const { losses } = health;
  if (!losses.length) {
    return <HealthCard title="Losses" text="Nothing was lost since the start." />;
  }
  return (
    <HealthCard title="Losses" text="Since the start; the records say so too, as SKIPDATA.">
      <ul className="loss-list">
        {losses.map((loss) => (
          <li key={loss.reason}>
            <strong>{loss.label}</strong>
            <span className="num reject-text">
              {formatCount(loss.count)} {loss.unit}
            </span>
            <span className="quiet-text">{loss.hint}</span>
          </li>
        ))}
      </ul>
    </HealthCard>
  );
}

/** The AWS endpoint. */
export function EndpointCard({ health }: { health: Health }) {
  const who = session.use();
  return (
    <HealthCard
      title="AWS endpoint"
      text={
        health.endpoint ? (
          <>
            Answers for account <span className="mono">{who?.account_id}</span> in{" "}
            <span className="mono">{who?.region}</span>; how to reach it stands in{" "}
            <Link to="/settings?tab=access">Settings</Link>.
          </>
        ) : (
          "It does not run here."
        )
      }
    >
      {health.endpoint && <CopyBlock label="the endpoint's address" text={health.endpoint} />}
    </HealthCard>
  );
}

/** Every other number, by its word in `vpcflow status`. */
export function FactsCard({ health }: { health: Health }) {
  const packets = Object.entries(health.capture.packets).map(([name, value]) => ({
    name: `packets.${name}`,
    value,
  }));
  const facts = [...packets, ...health.facts];
  return (
    <section className="card" aria-label="Every number">
      <h2>Every number</h2>
      <p className="quiet-text fact-intro">
        As <code>vpcflow status</code> tells them; the words stand in the{" "}
        <a href="/manual/explanation/how-packets-become-records">manual</a>.
      </p>
      <dl className="fact-columns">
        {facts.map(({ name, value }) => (
          <div key={name}>
            <dt className="mono">{name}</dt>
            <dd className="num">
              {typeof value === "number" ? formatCount(value) : String(value)}
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
