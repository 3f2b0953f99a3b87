import { ArrowLeft, ArrowRight } from "lucide-react";
import { useMemo, useState } from "react";
import { type Asked, useAnswer } from "../../api/hooks";
import { type Answer, type Cell, type Naming, rowsOf, type Section } from "../../api/types";
import { useZone } from "../../state/zone";
import { formatBytes, formatCount, formatMicroseconds, formatTime } from "../../time/format";
import { Segmented } from "../../ui/Choice";
import { DataTable, type TableColumn } from "../../ui/DataTable";
import { ErrorState, Skeleton } from "../../ui/State";
import { countOf, flagsOf, isTraffic, type RecordKey } from "./record";
import { Timeline } from "./Timeline";

const WINDOWS = [
  { value: "10m", label: "10 min" },
  { value: "1h", label: "1 h" },
  { value: "6h", label: "6 h" },
];

type Row = Record<string, Cell>;

export interface Talk {
  asked: Asked<Answer>;
  around: string;
  setAround: (around: string) => void;
}

/** Both halves of the conversation around a record. */
export function useConversation(record: RecordKey): Talk {
  const [around, setAround] = useState("10m");
  const asked = useAnswer(
    "conversation",
    {
      srcaddr: record.srcaddr,
      dstaddr: record.dstaddr,
      srcport: record.srcport,
      dstport: record.dstport,
      protocol: record.protocol,
      around_s: record.start,
      window: around,
      limit: 500,
    },
    { range: null, pageFilter: false, enabled: isTraffic(record) },
  );
  return { asked, around, setAround };
}

interface ConversationProps {
  talk: Talk;
  record: RecordKey;
  names: Record<string, Naming>;
}

/** Sums of each way, the records in order of time, and a picture of them. */
export function Conversation({ talk, record, names }: ConversationProps) {
  const { asked, around, setAround } = talk;
  const answer = asked.data;
  const rows = useMemo(() => rowsOf(sectionOf(answer, "records") ?? answer), [answer]);
  const sums = useMemo(() => rowsOf(sectionOf(answer, "summary")), [answer]);
  const rtt = rows.map((row) => row.rtt_us).filter((value) => typeof value === "number");
  return (
    <section className="record-part" aria-labelledby="record-talk">
      <header>
        <h3 id="record-talk">Conversation</h3>
        <span className="quiet-text">before and after this record</span>
        <span className="grow" />
        <Segmented label="Time around" value={around} options={WINDOWS} onChange={setAround} />
      </header>
      {asked.fault && !answer && <ErrorState fault={asked.fault} onRetry={asked.retry} />}
      {!answer && !asked.fault && <Skeleton lines={3} />}
      {answer && (
        <div className={asked.fresh ? "" : "dimmed"}>
          <Ways sums={sums} />
          {rtt.length > 0 && (
            <p>
              Round-trip time <b className="num">{formatMicroseconds(Math.min(...rtt))}</b> at best
              {rtt.length > 1 && `, ${formatMicroseconds(Math.max(...rtt))} at worst`}
            </p>
          )}
          <Timeline rows={rows} record={record} />
          <Records rows={rows} record={record} names={names} truncated={answer.truncated} />
        </div>
      )}
    </section>
  );
}

function sectionOf(answer: Answer | undefined, name: string): Section | undefined {
  return answer?.sections?.find((section) => section.name === name);
}

/** What went each way. */
function Ways({ sums }: { sums: Row[] }) {
  const most = Math.max(1, ...sums.map((row) => Number(row.bytes ?? 0)));
  return (
    <div className="ways">
      {["forward", "back"].map((way) => {
        const row = sums.find((one) => one.way === way);
        const rejected = Number(row?.rejected ?? 0);
        const share = row ? rejected / Math.max(1, Number(row.records)) : 0;
        return (
          <div key={way}>
            {way === "forward" ? <ArrowRight size={14} /> : <ArrowLeft size={14} />}
            <b>{way === "forward" ? "Forward" : "Back"}</b>
            {row ? (
              <>
                <span className="track" aria-hidden>
                  <i
                    className={share > 0.5 ? "reject" : ""}
                    style={{ width: `${(Number(row.bytes ?? 0) / most) * 100}%` }}
                  />
                </span>
                <span className="num">
                  {formatBytes(Number(row.bytes ?? 0))},{" "}
                  {countOf(formatCount(Number(row.packets ?? 0)), "packet")},{" "}
                  {countOf(formatCount(Number(row.records)), "record")}
                  {rejected > 0 && (
                    <span className="reject-text">, {formatCount(rejected)} rejected</span>
                  )}
                </span>
              </>
            ) : (
              <span className="quiet-text">nothing was recorded</span>
            )}
          </div>
        );
      })}
    </div>
  );
}

interface RecordsProps {
  rows: Row[];
  record: RecordKey;
  names: Record<string, Naming>;
  truncated: boolean;
}

/** Rows of the list at once; the rest is for Explore itself. */
const ROWS_MAX = 60;

function Records({ rows, record, names, truncated }: RecordsProps) {
  const zone = useZone();
  const columns: TableColumn<Row>[] = [
    {
      key: "start",
      label: "Start",
      render: (row) => <span className="num">{formatTime(Number(row.start), zone, "second")}</span>,
    },
    {
      key: "way",
      label: "Way",
      render: (row) => (row.way === "back" ? "← back" : "→ forward"),
    },
    { key: "packets", label: "Packets", kind: "packets" },
    { key: "bytes", label: "Bytes", kind: "bytes" },
    { key: "action", label: "Action", kind: "text" },
    {
      key: "tcp_flags",
      label: "Flags",
      render: (row) =>
        typeof row.tcp_flags === "number"
          ? flagsOf(row.tcp_flags)
              .map(({ name }) => name)
              .join(" ") || "–"
          : "–",
    },
    { key: "interface_id", label: "Interface", kind: "text" },
  ];
  const shown = columns.filter(({ key }) => rows.some((row) => row[key] !== undefined));
  if (!rows.length) return <p className="quiet-text">No record of it in this time.</p>;
  return (
    <>
      <div className="talk-records">
        <DataTable
          label="Records of the conversation"
          columns={shown}
          rows={rows.slice(0, ROWS_MAX)}
          rowKey={(_, index) => String(index)}
          names={names}
          selected={String(rows.findIndex((row) => isSame(row, record)))}
        />
      </div>
      {(truncated || rows.length > ROWS_MAX) && (
        <p className="quiet-text">
          The first {Math.min(ROWS_MAX, rows.length)} of {formatCount(rows.length)}
          {truncated ? " and more" : ""}; open the conversation for all.
        </p>
      )}
    </>
  );
}

/** Whether a row of the conversation is the record that is open. */
export function isSame(row: Row, record: RecordKey): boolean {
  return (
    row.start === record.start &&
    row.srcaddr === record.srcaddr &&
    row.srcport === record.srcport &&
    row.interface_id === record.interfaceId &&
    row.action === record.action
  );
}
