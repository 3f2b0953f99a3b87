import "./charts.css";
import type { Kind, OnPick } from "./answer";
import type { BarRow } from "./Bars";
import { barsSentence } from "./Bars";
import { coloursOf, isRejected } from "./colours";
import { measureText, shareText } from "./format";

export interface DonutProps {
  rows: readonly BarRow[];
  kind: Kind;
  title: string;
  onPick?: OnPick;
}

const RADIUS = 42;
const ROUND = 2 * Math.PI * RADIUS;

/** Shares of a whole, at most eight of them, with a list that names each. */
export function Donut({ rows, kind, title, onPick }: DonutProps) {
  const total = rows.reduce((sum, row) => sum + row.amount, 0);
  const colours = coloursOf(rows.map((row) => row.value));
  const colour = (row: BarRow) => `var(--${colours.get(row.value) ?? "c1"})`;
  let done = 0;
  return (
    <div className="chart chart-donut">
      <svg viewBox="0 0 120 120" role="img" aria-label={barsSentence({ rows, kind, title })}>
        {rows.map((row) => {
          const part = total > 0 ? (row.amount / total) * ROUND : 0;
          const offset = -done;
          done += part;
          return (
            <circle
              key={row.value}
              cx="60"
              cy="60"
              r={RADIUS}
              fill="none"
              stroke={colour(row)}
              strokeWidth="15"
              strokeDasharray={`${Math.max(0, part - 1.2)} ${ROUND}`}
              strokeDashoffset={offset}
              transform="rotate(-90 60 60)"
            />
          );
        })}
        <text x="60" y="64" textAnchor="middle">
          {measureText(total, kind)}
        </text>
      </svg>
      <ul>
        {rows.map((row) => (
          <DonutLine key={row.value} row={row} colour={colour(row)} total={total} onPick={onPick} />
        ))}
      </ul>
    </div>
  );
}

interface DonutLineProps {
  row: BarRow;
  colour: string;
  total: number;
  onPick?: OnPick;
}

function DonutLine({ row, colour, total, onPick }: DonutLineProps) {
  const pick = row.pick;
  const text = (
    <>
      <i
        className={isRejected(row.value) ? "mark hatch" : "mark square"}
        style={{ backgroundColor: colour }}
        aria-hidden="true"
      />
      <span className="donut-name">{row.name ?? row.value}</span>
      <b>{shareText(total > 0 ? row.amount / total : 0)}</b>
    </>
  );
  return (
    <li>
      {pick && onPick ? (
        <button type="button" onClick={() => onPick(pick)}>
          {text}
        </button>
      ) : (
        <span>{text}</span>
      )}
    </li>
  );
}
