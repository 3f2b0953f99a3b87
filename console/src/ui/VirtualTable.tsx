import { useVirtualizer } from "@tanstack/react-virtual";
import { ArrowDown, ArrowUp } from "lucide-react";
import { type KeyboardEvent, type ReactNode, useEffect, useId, useRef, useState } from "react";
import type { AnswerColumn, Cell, Naming } from "../api/types";
import { isNumeric } from "./cells";
import type { Sort } from "./DataTable";
import { Resizer } from "./Resizer";
import { VirtualRow } from "./VirtualRow";

const ROW_HEIGHT = 32;
const HEAD_HEIGHT = 33;
/** Rows drawn beyond the ones in view. */
const OVERSCAN = 8;
const MARK_WIDTH = 34;
/** Rows looked at for the width of addresses, which are never cut; a character's width in mono. */
const SAMPLED_MAX = 200;
const CHARACTER = 7.3;
const NAME_WIDTH = 120;
const WIDTHS: Record<string, number> = {
  time: 160,
  text: 150,
  rule: 220,
  port: 110,
  protocol: 80,
};

export interface VirtualTableProps {
  label: string;
  columns: AnswerColumn[];
  rows: number;
  /** The value in a row of a column; the same function as long as the rows are the same. */
  cell: (row: number, column: string) => Cell | undefined;
  /** Draws a cell in another way, undefined leaves it to its kind; the same function as well. */
  draw?: (row: number, column: string) => ReactNode | undefined;
  names?: Record<string, Naming>;
  selected?: number | null;
  /** Enter, or a click where `onCell` is not given. */
  onRow?: (row: number) => void;
  /** A click on a cell. */
  onCell?: (row: number, column: string, at: HTMLElement) => void;
  sort?: Sort;
  onSort?: (sort: Sort) => void;
  /** Right click, or the m key: where a menu may open. */
  onMenu?: (row: number, column: string, at: HTMLElement) => void;
  /** A narrow first column: an icon, or a button. */
  mark?: (row: number) => ReactNode;
  /** A class of a row, such as `rejected`. */
  rowClass?: (row: number) => string;
  /** Widths from outside; told again, with the column, when one is changed. Units: CSS pixels. */
  widths?: Record<string, number>;
  onWidths?: (widths: Record<string, number>, column: string) => void;
  /** Keeps the end in view while rows are added: for the live tail. */
  follow?: boolean;
}

/** A table of up to hundreds of thousands of rows, of which those in view are drawn. */
export function VirtualTable(props: VirtualTableProps) {
  const { label, columns, rows } = props;
  const box = useRef<HTMLDivElement>(null);
  const id = useId();
  const virtual = useVirtualizer({
    count: rows,
    getScrollElement: () => box.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: OVERSCAN,
    scrollMargin: HEAD_HEIGHT,
    scrollPaddingStart: HEAD_HEIGHT,
  });
  useEffect(() => {
    if (props.follow && rows) virtual.scrollToIndex(rows - 1, { align: "end" });
  }, [props.follow, rows, virtual]);
  const { template, onWidth } = useTemplate(props);
  const keys = useKeys(props, id, box, (row) => virtual.scrollToIndex(row));
  const onRowEvent = useRowEvents(props, keys.take);
  const over = keys.atColumn >= 0 ? `-${keys.atColumn}` : "";
  return (
    // biome-ignore lint/a11y/useSemanticElements: rows are placed by hand, which a table cannot
    <div
      ref={box}
      className="vtable"
      role="grid"
      aria-label={label}
      aria-rowcount={rows + 1}
      aria-colcount={columns.length + (props.mark ? 1 : 0)}
      aria-activedescendant={keys.marked >= 0 ? `${id}-${keys.marked}${over}` : undefined}
      tabIndex={0}
      onFocus={keys.enter}
      onKeyDown={keys.press}
    >
      <Head {...props} template={template} onWidth={onWidth} />
      {/* biome-ignore lint/a11y/useSemanticElements: the same */}
      <div role="rowgroup" style={{ height: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map(({ key, index, start }) => (
          <VirtualRow
            key={key}
            id={`${id}-${index}`}
            index={index}
            top={start}
            height={ROW_HEIGHT}
            template={template}
            columns={columns}
            cell={props.cell}
            draw={props.draw}
            names={props.names}
            active={index === keys.marked}
            activeColumn={index === keys.marked ? keys.atColumn : -1}
            canMenu={props.onMenu !== undefined}
            mark={props.mark}
            rowClass={props.rowClass}
            onEvent={onRowEvent}
          />
        ))}
      </div>
    </div>
  );
}

/** The grid's columns, and what a drawn edge does to them. */
function useTemplate(props: VirtualTableProps) {
  const [ownWidths, setOwnWidths] = useState<Record<string, number>>({});
  const widths = props.widths ?? ownWidths;
  const sizes = props.columns.map(({ name, kind }) => widths[name] ?? widthOf(props, name, kind));
  const marked = props.mark ? `${MARK_WIDTH}px ` : "";
  const template = marked + sizes.map((size) => `${size}px`).join(" ");
  const onWidth = (name: string, width: number) => {
    const next = { ...widths, [name]: Math.round(width) };
    if (props.onWidths) props.onWidths(next, name);
    else setOwnWidths(next);
  };
  return { template, onWidth };
}

/** What a click does. The same function for every drawing, so that rows that did not change are
 * not drawn again. */
function useRowEvents(props: VirtualTableProps, take: (row: number) => void) {
  const latest = useRef(props);
  latest.current = props;
  const [onRowEvent] = useState(
    () => (row: number, column: string | null, at: HTMLElement, menu: boolean) => {
      const now = latest.current;
      take(row);
      if (menu && column) now.onMenu?.(row, column, at);
      else if (!menu && column && now.onCell) now.onCell(row, column, at);
      else if (!menu && !now.onCell) now.onRow?.(row);
    },
  );
  return onRowEvent;
}

/** The row and column that the keys are at, and what the keys do. */
function useKeys(
  props: VirtualTableProps,
  id: string,
  box: { current: HTMLDivElement | null },
  show: (row: number) => void,
) {
  const { rows, columns, onRow, onMenu } = props;
  // No row is marked before somebody comes to the table.
  const [at, setAt] = useState(-1);
  const [column, setColumn] = useState(-1);
  const marked = Math.min(props.selected ?? at, rows - 1);
  const active = Math.max(0, marked);
  const atColumn = Math.min(column, columns.length - 1);
  const go = (row: number) => {
    const to = Math.min(rows - 1, Math.max(0, row));
    setAt(to);
    show(to);
    if (props.selected !== undefined && props.selected !== null) onRow?.(to);
  };
  const across = (to: number) => {
    setColumn(Math.min(columns.length - 1, Math.max(-1, to)));
    document.getElementById(`${id}-${active}-${to}`)?.scrollIntoView({ inline: "nearest" });
  };
  const menu = () => {
    const cell = document.getElementById(`${id}-${active}-${Math.max(0, atColumn)}`);
    const name = columns[Math.max(0, atColumn)]?.name ?? "";
    onMenu?.(active, name, cell ?? (box.current as HTMLElement));
  };
  const press = (event: KeyboardEvent) => {
    if (event.target !== event.currentTarget || !rows || event.ctrlKey || event.metaKey) return;
    const page = Math.max(1, Math.floor((box.current?.clientHeight ?? 320) / ROW_HEIGHT) - 2);
    const next = {
      ArrowDown: active + 1,
      ArrowUp: active - 1,
      PageDown: active + page,
      PageUp: active - page,
      Home: 0,
      End: rows - 1,
    }[event.key];
    if (next !== undefined) go(next);
    else if (event.key === "ArrowRight") across(atColumn + 1);
    else if (event.key === "ArrowLeft") across(atColumn - 1);
    else if (event.key === "Enter") onRow?.(active);
    else if ((event.key === "m" || event.key === "ContextMenu") && onMenu) menu();
    else return;
    event.preventDefault();
  };
  const enter = () => setAt((before) => Math.max(0, before));
  return { marked, atColumn, take: setAt, enter, press };
}

function widthOf(props: VirtualTableProps, name: string, kind: string): number {
  if (kind !== "address") return WIDTHS[kind] ?? 100;
  let longest = 13;
  let named = false;
  for (let row = 0; row < Math.min(props.rows, SAMPLED_MAX); row += 1) {
    const address = String(props.cell(row, name) ?? "");
    longest = Math.max(longest, address.length);
    named ||= Boolean(props.names?.[address]?.name);
  }
  return Math.ceil(longest * CHARACTER) + 20 + (named ? NAME_WIDTH : 0);
}

interface HeadProps extends VirtualTableProps {
  template: string;
  onWidth: (name: string, width: number) => void;
}

function Head({ columns, sort, onSort, template, onWidth, mark }: HeadProps) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: rows are placed by hand, which a table cannot
    <div role="rowgroup" className="vtable-top">
      {/* biome-ignore lint/a11y/useSemanticElements lint/a11y/useFocusableInteractive: the same */}
      <div
        role="row"
        aria-rowindex={1}
        className="vtable-head"
        style={{ gridTemplateColumns: template }}
      >
        {mark && (
          // biome-ignore lint/a11y/useSemanticElements lint/a11y/useFocusableInteractive: the same
          <div role="columnheader">
            <span className="sr">Outcome</span>
          </div>
        )}
        {columns.map(({ name, kind, label }) => {
          const on = sort?.key === name;
          const Arrow = sort?.descending ? ArrowDown : ArrowUp;
          const next = { key: name, descending: on ? !sort.descending : isNumeric(kind) };
          return (
            // biome-ignore lint/a11y/useSemanticElements lint/a11y/useFocusableInteractive: the same
            <div
              key={name}
              role="columnheader"
              title={label || name}
              className={isNumeric(kind) ? "right" : ""}
              aria-sort={on ? (sort.descending ? "descending" : "ascending") : undefined}
            >
              {onSort ? (
                <button type="button" onClick={() => onSort(next)}>
                  {label || name} {on && <Arrow size={12} aria-hidden />}
                </button>
              ) : (
                <span className="vtable-title">{label || name}</span>
              )}
              <Resizer label={label || name} onWidth={(width) => onWidth(name, width)} />
            </div>
          );
        })}
      </div>
    </div>
  );
}
