import { Link } from "../../app/Link";
import { newFlowLogHref } from "../../network/addresses";
import { serverNow } from "../../state/clock";
import { formatAgo, formatDuration, formatRatio, NONE } from "../../time/format";
import { Who } from "../../ui/cells";
import type { TableColumn } from "../../ui/DataTable";
import { Pill } from "../../ui/State";
import { Tooltip } from "../../ui/Tooltip";
import { hasGap, type InterfaceRow } from "./rows";

/** Less seen than this is drawn as bad. */
const SEEN_GOOD = 0.99;

/** Minutes seen of those expected as a bar, and the longest gap. */
export function CoverageBar({ row }: { row: InterfaceRow }) {
  const { seen, minutes_seen, minutes_expected } = row;
  if (seen === null) return <span className="quiet-text">{NONE}</span>;
  const gap = hasGap(row) ? `longest gap ${formatDuration(row.longest_gap_s ?? 0)}` : "no gap";
  const text = `${minutes_seen} of ${minutes_expected} minutes seen, ${gap}`;
  return (
    <span className="coverage" title={text}>
      <span className="track" role="img" aria-label={text}>
        <i className={seen < SEEN_GOOD ? "warn" : ""} style={{ width: `${seen * 100}%` }} />
      </span>
      <span className="num">{formatRatio(seen)}</span>
      {hasGap(row) && (
        <span className="quiet-text">gap {formatDuration(row.longest_gap_s ?? 0)}</span>
      )}
    </span>
  );
}

/** The flow logs that cover an interface, or the way to one. */
export function CoveredBy({ row }: { row: InterfaceRow }) {
  const stop = (event: { stopPropagation: () => void }) => event.stopPropagation();
  const [first, ...more] = row.flow_logs;
  if (!row.known) return <span className="quiet-text">{NONE}</span>;
  if (!first)
    return (
      <>
        <span className="quiet-text">none: </span>
        <Link to={newFlowLogHref(row.interface_id)} onClick={stop}>
          create one
        </Link>
      </>
    );
  return (
    <>
      <Link className="mono" to={`/flow-logs/${first}`} onClick={stop}>
        {first}
      </Link>
      {more.length > 0 && <span className="quiet-text"> and {more.length} more</span>}
    </>
  );
}

function Addresses({ row }: { row: InterfaceRow }) {
  const [first = NONE, ...more] = row.addresses;
  if (more.length === 0) return <span className="mono">{first}</span>;
  return (
    <span title={row.addresses.join("\n")}>
      <span className="mono">{first}</span> <span className="quiet-text">+{more.length}</span>
    </span>
  );
}

function Named({ row }: { row: InterfaceRow }) {
  if (row.name === row.interface_id) return <span className="mono">{row.interface_id}</span>;
  return (
    <strong className="interface-name" title={row.name}>
      {row.name}
    </strong>
  );
}

function InVpc({ row }: { row: InterfaceRow }) {
  if (row.known) return word(row.vpc);
  return (
    <Tooltip text="Records name it, the inventory does not have it">
      <span>
        <Pill tone="warn">not in inventory</Pill>
      </span>
    </Tooltip>
  );
}

const word = (text: string) =>
  text ? <span title={text}>{text}</span> : <span className="quiet-text">{NONE}</span>;

/** The columns of the table of interfaces. */
export const COLUMNS: TableColumn<InterfaceRow>[] = [
  { key: "name", label: "Name", width: "175px", render: (row) => <Named row={row} /> },
  {
    key: "addresses",
    label: "Addresses",
    width: "150px",
    value: (row) => row.addresses[0] ?? null,
    render: (row) => <Addresses row={row} />,
  },
  { key: "vpc", label: "VPC", width: "125px", render: (row) => <InVpc row={row} /> },
  { key: "subnet", label: "Subnet", width: "110px", render: (row) => word(row.subnet) },
  { key: "records", label: "Records", kind: "count", width: "80px" },
  { key: "bytes", label: "Bytes", kind: "bytes", width: "85px" },
  {
    key: "reject_share",
    label: "Rejected",
    kind: "ratio",
    width: "80px",
    render: (row) =>
      row.rejected > 0 ? (
        <span className="num reject-text">{formatRatio(row.reject_share ?? 0)}</span>
      ) : undefined,
  },
  { key: "seen", label: "Coverage", width: "220px", render: (row) => <CoverageBar row={row} /> },
  {
    key: "last_record_s",
    label: "Last record",
    width: "95px",
    render: (row) => (
      <span className="num">
        {row.last_record_s ? formatAgo(row.last_record_s, serverNow()) : NONE}
      </span>
    ),
  },
  {
    key: "flow_logs",
    label: "Flow logs",
    width: "185px",
    value: (row) => row.flow_logs.join(" ") || null,
    render: (row) => <CoveredBy row={row} />,
  },
  {
    key: "device",
    label: "Device",
    width: "90px",
    value: (row) => row.setUp?.device ?? null,
  },
  {
    key: "interface_id",
    label: "Id",
    width: "190px",
    render: (row) => <Who address={row.interface_id} />,
  },
];
