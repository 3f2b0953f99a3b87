import type { FlowLogHead } from "../../api/schema";
import { Link } from "../../app/Link";
import { useZone } from "../../state/zone";
import { formatDuration, formatTime, NONE } from "../../time/format";
import type { TableColumn } from "../../ui/DataTable";
import { destinationWord, resourceWord, StatusPill, statusOf, TrafficPill } from "./status";

interface CellProps {
  one: FlowLogHead;
}

function Named({ one }: CellProps) {
  const name = one.name || one.id;
  return (
    <span className="fl-name">
      <Link to={`/flow-logs/${encodeURIComponent(one.id)}`} title={name}>
        <strong>{name}</strong>
      </Link>
      {one.name && <span className="mono">{one.id}</span>}
    </span>
  );
}

function Resource({ one }: CellProps) {
  return (
    <span className="fl-name">
      <span title={one.resource_name}>
        {one.resource_name || one.resource_id}{" "}
        <span className="quiet-text">{resourceWord(one.resource_type)}</span>
      </span>
      {one.resource_name && <span className="mono">{one.resource_id}</span>}
    </span>
  );
}

function Destination({ one }: CellProps) {
  const { arn, name, folder, type } = one.destination;
  return (
    <span className="fl-name">
      <span title={arn}>
        {name}
        {folder && `/${folder}`}
      </span>
      <span className="quiet-text">{destinationWord(type)}</span>
    </span>
  );
}

function Status({ one }: CellProps) {
  const { why } = statusOf(one);
  return (
    <span className="fl-name">
      <span>
        <StatusPill flowLog={one} />
      </span>
      {why && <span className="fl-why">{why}</span>}
    </span>
  );
}

function Delivered({ one }: CellProps) {
  const zone = useZone();
  return (
    <span
      className="num"
      title={one.delivered_until_s ? formatTime(one.delivered_until_s, zone) : ""}
    >
      {one.lag_s == null ? NONE : `${formatDuration(one.lag_s)} ago`}
    </span>
  );
}

function Created({ one }: CellProps) {
  const zone = useZone();
  return (
    <span className="num" title={formatTime(one.created_s, zone)}>
      {formatTime(one.created_s, zone, "minute")}
    </span>
  );
}

/** The columns of the list of flow logs. */
export const COLUMNS: TableColumn<FlowLogHead>[] = [
  {
    key: "name",
    width: "21%",
    label: "Flow log",
    value: (one) => one.name || one.id,
    render: (one) => <Named one={one} />,
  },
  {
    key: "resource",
    width: "17%",
    label: "Resource",
    value: (one) => one.resource_name || one.resource_id,
    render: (one) => <Resource one={one} />,
  },
  {
    key: "traffic",
    width: "8%",
    label: "Traffic",
    value: (one) => one.traffic_type,
    render: (one) => <TrafficPill type={one.traffic_type} />,
  },
  {
    key: "destination",
    width: "15%",
    label: "Destination",
    value: (one) => one.destination.label,
    render: (one) => <Destination one={one} />,
  },
  {
    key: "status",
    width: "17%",
    label: "Status",
    value: (one) => statusOf(one).word,
    render: (one) => <Status one={one} />,
  },
  {
    key: "lag_s",
    label: "Last delivered",
    kind: "duration",
    align: "left",
    value: (one) => one.lag_s ?? null,
    render: (one) => <Delivered one={one} />,
  },
  {
    key: "created_s",
    width: "13%",
    label: "Created",
    kind: "time",
    value: (one) => one.created_s,
    render: (one) => <Created one={one} />,
  },
];
