import { createContext, type ReactNode, useContext } from "react";
import { createPortal } from "react-dom";

/** The place in a panel's header where a chart puts its legend; null when there is none. */
export const LegendSlot = createContext<HTMLElement | null>(null);

export interface LegendEntry {
  name: string;
  label: string;
  /** A token such as "c1". */
  colour: string;
  mark?: "square" | "dash" | "hatch";
}

export interface LegendProps {
  entries: readonly LegendEntry[];
  hidden?: ReadonlySet<string>;
  onToggle?: (name: string) => void;
}

/** Names and colours of series; a click hides or shows one. */
export function Legend({ entries, hidden, onToggle }: LegendProps) {
  return (
    <ul className="chart-legend" aria-label="Legend">
      {entries.map((entry) => (
        <li key={entry.name}>
          {onToggle && entry.mark !== "dash" ? (
            <button
              type="button"
              aria-pressed={!hidden?.has(entry.name)}
              title={hidden?.has(entry.name) ? `Show ${entry.label}` : `Hide ${entry.label}`}
              onClick={() => onToggle(entry.name)}
            >
              <LegendText entry={entry} />
            </button>
          ) : (
            <span>
              <LegendText entry={entry} />
            </span>
          )}
        </li>
      ))}
    </ul>
  );
}

function LegendText({ entry }: { entry: LegendEntry }) {
  const mark = entry.mark ?? "square";
  const style = mark === "dash" ? {} : { backgroundColor: `var(--${entry.colour})` };
  return (
    <>
      <i className={`mark ${mark}`} style={style} aria-hidden="true" />
      {entry.label}
    </>
  );
}

/** Puts a legend into the header's slot, or above the plot when there is no slot. */
export function PlacedLegend({ where, children }: { where: string; children: ReactNode }) {
  const slot = useContext(LegendSlot);
  if (where === "none") return null;
  if (where === "header" && slot) return createPortal(children, slot);
  return <div className="chart-legend-row">{children}</div>;
}
