import { Cable, Link2, MessagesSquare, UserSearch } from "lucide-react";
import type { ReactNode } from "react";
import { useAnswer } from "../../api/hooks";
import type { Answer, Cell, Naming } from "../../api/types";
import { Link } from "../../app/Link";
import { chipText } from "../../filter/terms";
import { copyLink } from "../../panels/PanelFrame";
import { hrefOf } from "../../state/location";
import { useZone } from "../../state/zone";
import { formatBytes, formatCount, formatDuration, formatTime, zoneName } from "../../time/format";
import { IconButton } from "../../ui/Button";
import { Who } from "../../ui/cells";
import { Drawer } from "../../ui/Dialog";
import { EmptyState, ErrorState, Pill, Skeleton } from "../../ui/State";
import { Conversation, useConversation } from "./Conversation";
import { DecidedBy } from "./DecidedBy";
import { RecordFields } from "./RecordFields";
import "./record.css";
import {
  countOf,
  filterOfConversation,
  filterOfRecord,
  isTraffic,
  type RecordKey,
  recordText,
  titleOf,
} from "./record";

export interface RecordDrawerProps {
  record: RecordKey;
  onClose: () => void;
}

/** One flow record: its fields, both halves of its conversation, and the rule that decided. */
export function RecordDrawer({ record, onClose }: RecordDrawerProps) {
  const asked = useAnswer(
    "flows",
    { fields: "all", limit: 20 },
    {
      range: { start: record.start, end: record.start + 1 },
      filter: filterOfRecord(record),
      pageFilter: false,
    },
  );
  const talk = useConversation(record);
  const answer = asked.fresh ? asked.data : undefined;
  const names = { ...talk.asked.data?.names, ...answer?.names };
  const values = answer?.rows ? firstRow(answer) : undefined;
  return (
    <Drawer
      title={isTraffic(record) ? "Flow record" : "Record without traffic"}
      onClose={onClose}
      size="lg"
      className="record-drawer"
      footer={<Links record={record} onFollow={onClose} />}
    >
      <div className="stack record">
        <Head record={record} values={values} names={names} />
        {asked.fault && <ErrorState fault={asked.fault} onRetry={asked.retry} />}
        {answer && answer.rows === 0 && (
          <EmptyState title="This record is not in the table" action={<span />}>
            It may be older than what is kept, or the link may be of another account.
          </EmptyState>
        )}
        {answer && answer.rows > 1 && (
          <div className="notice">
            {answer.rows} records are alike in their ends, start and interface; this is the first.
          </div>
        )}
        {isTraffic(record) && record.action && <DecidedBy record={record} values={values} />}
        {isTraffic(record) && <Conversation talk={talk} record={record} names={names} />}
        {values ? (
          <RecordFields values={values} names={names} />
        ) : (
          !answer && !asked.fault && <Skeleton lines={8} />
        )}
      </div>
    </Drawer>
  );
}

function firstRow(answer: Answer): Record<string, Cell> {
  const row: Record<string, Cell> = {};
  for (const { name } of answer.columns) row[name] = answer.data[name]?.[0] ?? null;
  return row;
}

interface HeadProps {
  record: RecordKey;
  values?: Record<string, Cell>;
  names: Record<string, Naming>;
}

function Head({ record, values, names }: HeadProps) {
  const zone = useZone();
  const seconds = Number(values?.end ?? record.start) - record.start;
  return (
    <header className="record-head">
      {isTraffic(record) ? (
        <div className="record-ends">
          <End address={record.srcaddr} port={record.srcport} names={names} />
          <span className="arrow" aria-hidden>
            →
          </span>
          <span className="sr">to</span>
          <End address={record.dstaddr} port={record.dstport} names={names} />
        </div>
      ) : (
        <strong>{titleOf(record)}</strong>
      )}
      <div className="row">
        {record.action && (
          <Pill tone={record.action === "REJECT" ? "crit" : "info"}>
            {record.action === "REJECT" ? "Rejected" : "Accepted"}
          </Pill>
        )}
        {values?.log_status && values.log_status !== "OK" && (
          <Pill tone="warn">{String(values.log_status)}</Pill>
        )}
        <span className="num">
          {formatTime(record.start, zone)} {zoneName(zone, record.start)}
          {values && seconds > 0 ? `, for ${formatDuration(seconds)}` : ""}
        </span>
        {typeof values?.bytes === "number" && (
          <span className="num quiet-text">
            {formatBytes(values.bytes)} in{" "}
            {countOf(formatCount(Number(values.packets ?? 0)), "packet")}
          </span>
        )}
        <IconButton
          label="Copy a link to this record"
          icon={<Link2 size={14} />}
          onClick={() => copyLink(recordLink(record))}
        />
      </div>
    </header>
  );
}

function End({
  address,
  port,
  names,
}: {
  address: string | null;
  port: number | null;
  names: Record<string, Naming>;
}) {
  return (
    <span className="record-end">
      <Who address={address ?? ""} name={names[address ?? ""]?.name} />
      {port !== null && <span className="mono quiet-text">port {port}</span>}
    </span>
  );
}

/** An address that opens this record, in a range around it. */
export function recordLink(record: RecordKey): string {
  const path = hrefOf("/explore", {
    record: recordText(record),
    start: String(record.start - 1800),
    end: String(record.start + 1800),
    last: null,
    filter: null,
    refresh: null,
  });
  return `${window.location.origin}${path}`;
}

function Links({ record, onFollow }: { record: RecordKey; onFollow: () => void }) {
  const link = (filter: string, icon: ReactNode, label: string) => (
    <Link
      to={hrefOf("/explore", { filter })}
      keep={false}
      className="btn sm"
      onClick={() => onFollow()}
    >
      {icon}
      {label}
    </Link>
  );
  return (
    <nav className="record-links" aria-label="Related records">
      {isTraffic(record) &&
        link(filterOfConversation(record), <MessagesSquare size={14} />, "This conversation")}
      {record.interfaceId &&
        link(
          chipText({ field: "interface-id", operator: "=", value: record.interfaceId }),
          <Cable size={14} />,
          "This interface",
        )}
      {record.srcaddr &&
        link(
          chipText({ field: "srcaddr", operator: "=", value: record.srcaddr }),
          <UserSearch size={14} />,
          "This source",
        )}
    </nav>
  );
}
