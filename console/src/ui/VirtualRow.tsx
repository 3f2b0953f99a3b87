import { memo, type ReactNode } from "react";
import type { AnswerColumn, Cell, Naming } from "../api/types";
import { CellView, isNumeric } from "./cells";

/** Shorter texts fit as they are. Units: characters. */
const TITLE_FROM = 16;

export interface VirtualRowProps {
  id: string;
  index: number;
  top: number;
  height: number;
  template: string;
  columns: AnswerColumn[];
  cell: (row: number, column: string) => Cell | undefined;
  draw?: (row: number, column: string) => ReactNode | undefined;
  names?: Record<string, Naming>;
  active: boolean;
  /** The column that the keys are at; -1 for the row as a whole. */
  activeColumn: number;
  canMenu: boolean;
  mark?: (row: number) => ReactNode;
  rowClass?: (row: number) => string;
  onEvent: (row: number, column: string | null, at: HTMLElement, menu: boolean) => void;
}

/** A row of a virtual table; drawn again only when something of it changed. */
export const VirtualRow = memo(function VirtualRow(props: VirtualRowProps) {
  const { id, index, columns, active, onEvent } = props;
  const state = active && props.activeColumn < 0 ? "at-row" : "";
  return (
    // biome-ignore lint/a11y/useSemanticElements lint/a11y/useFocusableInteractive lint/a11y/useKeyWithClickEvents: the grid has the focus and takes the keys
    <div
      id={id}
      role="row"
      aria-rowindex={index + 2}
      aria-selected={active}
      className={`vtable-row ${state} ${props.rowClass?.(index) ?? ""}`}
      style={{ top: props.top, height: props.height, gridTemplateColumns: props.template }}
      onClick={(event) => onEvent(index, null, event.currentTarget, false)}
    >
      {props.mark && (
        // biome-ignore lint/a11y/useSemanticElements lint/a11y/useFocusableInteractive: the same
        <div role="gridcell" className="vtable-mark">
          {props.mark(index)}
        </div>
      )}
      {columns.map(({ name, kind }, place) => (
        // biome-ignore lint/a11y/useSemanticElements lint/a11y/useFocusableInteractive lint/a11y/useKeyWithClickEvents: the same
        <div
          key={name}
          id={`${id}-${place}`}
          role="gridcell"
          title={titleOf(kind, props.cell(index, name))}
          className={`${isNumeric(kind) ? "right" : ""} ${place === props.activeColumn ? "at-cell" : ""}`}
          onClick={(event) => {
            event.stopPropagation();
            onEvent(index, name, event.currentTarget, false);
          }}
          onContextMenu={(event) => {
            if (!props.canMenu) return;
            event.preventDefault();
            onEvent(index, name, event.currentTarget, true);
          }}
        >
          {props.draw?.(index, name) ?? (
            <CellView kind={kind} value={props.cell(index, name)} names={props.names} />
          )}
        </div>
      ))}
    </div>
  );
});

/** What does not fit may be read when the pointer rests: long addresses and texts. */
function titleOf(kind: string, value: Cell | undefined): string | undefined {
  if (typeof value !== "string" || value.length < TITLE_FROM) return undefined;
  return kind === "time" ? undefined : value;
}
