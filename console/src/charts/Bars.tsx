import type { CSSProperties } from "react";
import "./charts.css";
import type { ChartTable, ColumnMeta, Kind, OnPick, Pick as Picked } from "./answer";
import { measureText, shareText } from "./format";

export interface BarRow {
  /** Set in the mono face: an address, a port. */
  value: string;
  /** Set in grey behind it: a name. */
  name?: string;
  amount: number;
  /** The part of the amount that was rejected. */
  rejected?: number;
  pick?: Picked;
  /** A second line for the tooltip: the rule that decided. */
  note?: string;
}

export interface BarsProps {
  rows: readonly BarRow[];
  kind: Kind;
  title: string;
  /** Set in the ordinary face when the values are words. */
  plain?: boolean;
  onPick?: OnPick;
}

/** The largest of something, one bar each; the rejected part is red and hatched. */
export function Bars({ rows, kind, title, plain, onPick }: BarsProps) {
  const top = Math.max(0, ...rows.map((row) => row.amount));
  // Hatching tells rejected from accepted; where all is rejected there is nothing to tell apart.
  const mixed = rows.some((row) => (row.rejected ?? 0) < row.amount);
  return (
    <section
      className={`chart chart-bars ${mixed ? "" : "one-colour"}`}
      aria-label={barsSentence({ rows, kind, title })}
    >
      <ul style={{ "--bars": rows.length } as CSSProperties}>
        {rows.map((row) => (
          <BarLine
            key={`${row.value} ${row.name ?? ""}`}
            row={row}
            top={top}
            kind={kind}
            plain={plain}
            onPick={onPick}
          />
        ))}
      </ul>
    </section>
  );
}

interface BarLineProps {
  row: BarRow;
  top: number;
  kind: Kind;
  plain?: boolean;
  onPick?: OnPick;
}

function BarLine({ row, top, kind, plain, onPick }: BarLineProps) {
  const pick = row.pick;
  const text = (
    <>
      <span className="bar-name">
        <b className={plain ? "plain" : undefined}>{row.value}</b>
        {row.name ? <span>{row.name}</span> : null}
        {row.note ? <small>{row.note}</small> : null}
      </span>
      <BarTrack amount={row.amount} rejected={row.rejected ?? 0} top={top} />
      <span className="bar-amount">{measureText(row.amount, kind)}</span>
    </>
  );
  const title = barTitle(row, kind);
  if (!pick || !onPick)
    return (
      <li className="bar-line" title={title}>
        {text}
      </li>
    );
  return (
    <li>
      <button type="button" className="bar-line" title={title} onClick={() => onPick(pick)}>
        {text}
      </button>
    </li>
  );
}

function barTitle(row: BarRow, kind: Kind): string {
  const parts = [`${row.value} ${row.name ?? ""}`.trim(), measureText(row.amount, kind)];
  if (row.rejected) parts.push(`${shareText(row.rejected / (row.amount || 1))} rejected`);
  if (row.note) parts.push(row.note);
  return parts.join("\n");
}

/** The bar itself, also for cells of tables. */
export function BarTrack(props: { amount: number; rejected?: number; top: number }) {
  const { amount, top } = props;
  const rejected = Math.min(props.rejected ?? 0, amount);
  const part = (value: number) => (top > 0 ? (value / top) * 100 : 0);
  // The smaller part of a short bar is not made to look like half of it.
  const least = (value: number) =>
    value > amount / 2 || part(amount) > 8
      ? Math.max(part(value), value > 0 ? 0.8 : 0)
      : part(value);
  return (
    <span className="bar-track" aria-hidden="true">
      <i className="accepted" style={{ width: `${least(amount - rejected)}%` }} />
      <i className="rejected" style={{ width: `${least(rejected)}%` }} />
    </span>
  );
}

export function barsSentence({ rows, kind, title }: BarsText): string {
  const first = rows[0];
  if (!first) return `${title}. There is nothing in this time range.`;
  const total = rows.reduce((sum, row) => sum + row.amount, 0);
  const rejected = rows.reduce((sum, row) => sum + (row.rejected ?? 0), 0);
  const most = `${first.value}${first.name ? ` (${first.name})` : ""}`;
  const share = total > 0 ? `, ${shareText(first.amount / total)} of what is shown` : "";
  const red =
    rejected > 0 && rejected < total ? ` ${shareText(rejected / total)} of it was rejected.` : "";
  return `${title}: ${rows.length} rows. First is ${most} with ${measureText(first.amount, kind)}${share}.${red}`;
}

type BarsText = Pick<BarsProps, "rows" | "kind" | "title">;

export function barsTable({ rows, kind, title }: BarsText): ChartTable {
  const named = rows.some((row) => row.name);
  const red = rows.some((row) => row.rejected);
  const columns: ColumnMeta[] = [{ name: "value", kind: "text", label: title }];
  if (named) columns.push({ name: "name", kind: "text", label: "Name" });
  columns.push({ name: "amount", kind, label: "Amount" });
  if (red) columns.push({ name: "rejected", kind, label: "Rejected" });
  return {
    columns,
    rows: rows.map((row) => [
      row.value,
      ...(named ? [row.name ?? null] : []),
      row.amount,
      ...(red ? [row.rejected ?? 0] : []),
    ]),
  };
}
