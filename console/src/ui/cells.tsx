import type { Cell, ColumnKind, Naming } from "../api/types";
import { useZone } from "../state/zone";
import { formatValue, serviceOf } from "../time/format";

/** Kinds whose columns stand at the right. */
const NUMERIC = new Set<string>(["count", "bytes", "packets", "ratio", "duration", "microseconds"]);
/** The thinnest bar that one still sees, in percent. */
const SLIVER = 1.5;

export interface CellViewProps {
  kind: ColumnKind | string;
  value: Cell | undefined;
  names?: Record<string, Naming>;
}

/** Whether a column of this kind stands at the right. */
export function isNumeric(kind: string): boolean {
  return NUMERIC.has(kind);
}

/** A value of an answer, drawn by its kind: addresses with their name, ports with their service. */
export function CellView({ kind, value, names }: CellViewProps) {
  const zone = useZone();
  const text = formatValue(kind, value, zone);
  const name = typeof value === "string" ? names?.[value]?.name : undefined;
  if (kind === "address" || name) return <Who address={text} name={name} />;
  if (kind === "port" && typeof value === "number") {
    return <Who address={text} name={serviceOf(value)} />;
  }
  if (value === "REJECT") return <span className="reject-text">{text}</span>;
  if (kind === "text" || kind === "protocol") return <>{text}</>;
  return <span className={kind === "rule" ? "mono" : "num"}>{text}</span>;
}

/** An address or id in mono, and its name in grey. */
export function Who({ address, name }: { address: string; name?: string | null }) {
  return (
    <span className="who">
      <span className="mono">{address}</span>
      {name && name !== address && <span title={name}>{name}</span>}
    </span>
  );
}

export interface BarCellProps {
  value: number;
  most: number;
  /** The part that was rejected, from 0 to 1; drawn in red. */
  rejected?: number;
  text: string;
}

/** A bar with its figure. */
export function BarCell({ value, most, rejected = 0, text }: BarCellProps) {
  const whole = most > 0 ? (value / most) * 100 : 0;
  const red = rejected > 0 ? Math.max(SLIVER, whole * rejected) : 0;
  const blue = rejected < 1 && value > 0 ? Math.max(SLIVER, whole * (1 - rejected)) : 0;
  return (
    <span className="cell-bar">
      <span className="track" aria-hidden>
        <i style={{ width: `${blue}%` }} />
        <i className="reject" style={{ width: `${red}%` }} />
      </span>
      <span className="num">{text}</span>
    </span>
  );
}
