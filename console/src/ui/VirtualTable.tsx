import { useVirtualizer } from "@tanstack/react-virtual";
import { ArrowDown, ArrowUp } from "lucide-react";
import { type KeyboardEvent, useEffect, useId, useRef, useState } from "react";
import type { AnswerColumn, Cell, Naming } from "../api/types";
import { CellView, isNumeric } from "./cells";
import type { Sort } from "./DataTable";
import { Resizer } from "./Resizer";

const ROW_HEIGHT = 32;
const HEAD_HEIGHT = 33;
/** Rows drawn beyond the ones in view. */
const OVERSCAN = 12;
const WIDTHS: Record<string, number> = {
  address: 230,
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
  /** The value in a row of a column. */
  cell: (row: number, column: string) => Cell | undefined;
  names?: Record<string, Naming>;
  selected?: number | null;
  onRow?: (row: number) => void;
  sort?: Sort;
  onSort?: (sort: Sort) => void;
  /** Right click, or the m key: where a menu may open. */
  onMenu?: (row: number, column: string, at: HTMLElement) => void;
  /** Keeps the end in view while rows are added: for the live tail. */
  follow?: boolean;
}

/** A table of up to hundreds of thousands of rows, of which those in view are drawn. */
export function VirtualTable(props: VirtualTableProps) {
  const { label, columns, rows, onRow, onMenu } = props;
  const [at, setAt] = useState(0);
  const [widths, setWidths] = useState<Record<string, number>>({});
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
  const template = columns
    .map(({ name, kind }) => `${widths[name] ?? WIDTHS[kind] ?? 100}px`)
    .join(" ");
  const active = Math.min(props.selected ?? at, rows - 1);
  const go = (row: number) => {
    const to = Math.min(rows - 1, Math.max(0, row));
    setAt(to);
    virtual.scrollToIndex(to);
    if (props.selected !== undefined && props.selected !== null) onRow?.(to);
  };
  const press = (event: KeyboardEvent) => {
    if (event.target !== event.currentTarget || !rows) return;
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
    else if (event.key === "Enter") onRow?.(active);
    else if (event.key === "m" && onMenu && box.current) {
      onMenu(active, columns[0]?.name ?? "", box.current);
    } else return;
    event.preventDefault();
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: rows are placed by hand, which a table cannot
    <div
      ref={box}
      className="vtable"
      role="grid"
      aria-label={label}
      aria-rowcount={rows + 1}
      aria-colcount={columns.length}
      aria-activedescendant={rows ? `${id}-${active}` : undefined}
      tabIndex={0}
      onKeyDown={press}
    >
      <Head
        {...props}
        template={template}
        onWidth={(name, width) => setWidths({ ...widths, [name]: width })}
      />
      {/* biome-ignore lint/a11y/useSemanticElements: the same */}
      <div role="rowgroup" style={{ height: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map((item) => (
          // biome-ignore lint/a11y/useSemanticElements lint/a11y/useFocusableInteractive lint/a11y/useKeyWithClickEvents: the grid has the focus and takes the keys
          <div
            key={item.key}
            id={`${id}-${item.index}`}
            role="row"
            aria-rowindex={item.index + 2}
            aria-selected={item.index === active}
            className="vtable-row"
            style={{ top: item.start, height: ROW_HEIGHT, gridTemplateColumns: template }}
            onClick={() => {
              setAt(item.index);
              onRow?.(item.index);
            }}
          >
            {columns.map(({ name, kind }) => (
              // biome-ignore lint/a11y/useSemanticElements lint/a11y/useFocusableInteractive: the same
              <div
                key={name}
                role="gridcell"
                className={isNumeric(kind) ? "right" : ""}
                onContextMenu={(event) => {
                  if (!onMenu) return;
                  event.preventDefault();
                  onMenu(item.index, name, event.currentTarget);
                }}
              >
                <CellView kind={kind} value={props.cell(item.index, name)} names={props.names} />
              </div>
            ))}
          </div>
        ))}
      </div>
    </div>
  );
}

interface HeadProps extends VirtualTableProps {
  template: string;
  onWidth: (name: string, width: number) => void;
}

function Head({ columns, sort, onSort, template, onWidth }: HeadProps) {
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
        {columns.map(({ name, kind, label }) => {
          const on = sort?.key === name;
          const Arrow = sort?.descending ? ArrowDown : ArrowUp;
          const next = { key: name, descending: on ? !sort.descending : isNumeric(kind) };
          return (
            // biome-ignore lint/a11y/useSemanticElements lint/a11y/useFocusableInteractive: the same
            <div
              key={name}
              role="columnheader"
              className={isNumeric(kind) ? "right" : ""}
              aria-sort={on ? (sort.descending ? "descending" : "ascending") : undefined}
            >
              {onSort ? (
                <button type="button" onClick={() => onSort(next)}>
                  {label || name} {on && <Arrow size={12} aria-hidden />}
                </button>
              ) : (
                label || name
              )}
              <Resizer label={label || name} onWidth={(width) => onWidth(name, width)} />
            </div>
          );
        })}
      </div>
    </div>
  );
}
