import { ArrowDown, ArrowUp } from "lucide-react";
import {
  type KeyboardEvent,
  type MouseEvent,
  type ReactNode,
  useMemo,
  useRef,
  useState,
} from "react";
import type { Cell, ColumnKind, Naming } from "../api/types";
import { formatValue } from "../time/format";
import { BarCell, CellView, isNumeric } from "./cells";
import { type MenuItem, MenuList } from "./Menu";
import { Popover } from "./Popover";
import { Resizer } from "./Resizer";
import { rowItems } from "./rowItems";

export interface TableColumn<Row> {
  key: string;
  label: string;
  kind?: ColumnKind | string;
  /** A CSS width of the column: `31%` or `120px`. */
  width?: string;
  align?: "left" | "right";
  /** The value for sorting, copying and the drawing by kind; `row[key]` without it. */
  value?: (row: Row) => Cell;
  /** Draws the cell in another way. */
  render?: (row: Row) => ReactNode;
  /** Draws a bar; gives the rejected part from 0 to 1. */
  bar?: (row: Row) => number;
  /** The field that this column filters by; its values get filter entries in the row's menu. */
  field?: string;
  sortable?: boolean;
}

export interface Sort {
  key: string;
  descending: boolean;
}

export interface DataTableProps<Row> {
  /** Says what the table holds; read aloud. */
  label: string;
  columns: TableColumn<Row>[];
  rows: Row[];
  rowKey: (row: Row, index: number) => string;
  names?: Record<string, Naming>;
  sort?: Sort;
  /** Without it the table sorts by itself. */
  onSort?: (sort: Sort) => void;
  onRow?: (row: Row) => void;
  selected?: string;
  /** More entries of a row's menu. */
  rowMenu?: (row: Row) => MenuItem[];
  /** Shown in place of rows. */
  empty?: ReactNode;
  fixed?: boolean;
}

/** A table of up to a few hundred rows: sorting, column widths, keys, a menu for each row. */
export function DataTable<Row>(props: DataTableProps<Row>) {
  const { label, columns, onRow } = props;
  const [ownSort, setOwnSort] = useState<Sort | undefined>(props.sort);
  const sort = props.onSort ? props.sort : ownSort;
  const rows = useMemo(
    () => (props.onSort ? props.rows : sortedRows(props.rows, columns, sort)),
    [props.rows, props.onSort, columns, sort],
  );
  const [widths, setWidths] = useState<Record<string, number>>({});
  const [menu, setMenu] = useState<OpenMenu<Row> | null>(null);
  const anchor = useRef<HTMLElement | null>(null);
  const hasMenu = props.rowMenu !== undefined || columns.some((column) => column.field);
  const openMenu = (row: Row, at: HTMLElement, column?: TableColumn<Row>) => {
    anchor.current = at;
    setMenu({ row, column });
  };
  if (!rows.length && props.empty) return <>{props.empty}</>;
  return (
    // biome-ignore lint/a11y/useSemanticElements: no form; what scrolls must be reached by keys
    <div
      className="table-box"
      role="group"
      aria-label={label}
      tabIndex={rows.length && (onRow || hasMenu) ? undefined : 0}
    >
      <table className={`table ${props.fixed ? "fixed" : ""} ${onRow ? "clickable" : ""}`}>
        <caption className="sr">{label}</caption>
        <colgroup>
          {columns.map(({ key, width }) => (
            <col key={key} style={{ width: widths[key] ? `${widths[key]}px` : width }} />
          ))}
        </colgroup>
        <thead>
          <tr>
            {columns.map((column) => (
              <HeadCell
                key={column.key}
                column={column}
                sort={sort}
                onSort={props.onSort ?? setOwnSort}
                onWidth={(width) => setWidths((before) => ({ ...before, [column.key]: width }))}
              />
            ))}
          </tr>
        </thead>
        <Body {...props} rows={rows} openMenu={hasMenu ? openMenu : undefined} />
      </table>
      {menu && (
        <Popover anchor={anchor} onClose={() => setMenu(null)}>
          <MenuList
            label="Row"
            onClose={() => setMenu(null)}
            onDone={() => anchor.current?.closest("tr")?.focus()}
            items={[
              ...rowItems(menu.column ? [menu.column] : columns, menu.row),
              ...(props.rowMenu?.(menu.row) ?? []),
            ]}
          />
        </Popover>
      )}
    </div>
  );
}

interface OpenMenu<Row> {
  row: Row;
  column?: TableColumn<Row>;
}

interface BodyProps<Row> extends DataTableProps<Row> {
  openMenu?: (row: Row, at: HTMLElement, column?: TableColumn<Row>) => void;
}

function Body<Row>({ columns, rows, rowKey, onRow, selected, names, openMenu }: BodyProps<Row>) {
  const [active, setActive] = useState(0);
  const body = useRef<HTMLTableSectionElement>(null);
  const maxima = useMemo(() => maximaOf(rows, columns), [rows, columns]);
  const press = (event: KeyboardEvent<HTMLElement>, row: Row, index: number) => {
    if (event.target !== event.currentTarget) return;
    const moves = { ArrowDown: index + 1, ArrowUp: index - 1, Home: 0, End: rows.length - 1 };
    const next = moves[event.key as keyof typeof moves];
    if (next !== undefined) {
      const to = Math.min(rows.length - 1, Math.max(0, next));
      setActive(to);
      body.current?.rows[to]?.focus();
    } else if (event.key === "Enter" && onRow) onRow(row);
    else if (openMenu && ["ContextMenu", "m", "Enter"].includes(event.key)) {
      openMenu(row, event.currentTarget);
    } else return;
    event.preventDefault();
  };
  const context = (event: MouseEvent<HTMLElement>, row: Row, column: TableColumn<Row>) => {
    if (!openMenu) return;
    event.preventDefault();
    openMenu(row, event.currentTarget, column);
  };
  const reached = (index: number) => (index === Math.min(active, rows.length - 1) ? 0 : -1);
  return (
    <tbody ref={body}>
      {rows.map((row, index) => {
        const key = rowKey(row, index);
        return (
          <tr
            key={key}
            tabIndex={onRow || openMenu ? reached(index) : undefined}
            aria-current={selected === key || undefined}
            onFocus={() => setActive(index)}
            onKeyDown={(event) => press(event, row, index)}
            onClick={() => onRow?.(row)}
          >
            {columns.map((column) => (
              <td
                key={column.key}
                className={alignOf(column)}
                onContextMenu={(event) => context(event, row, column)}
              >
                <TableCell row={row} column={column} names={names} most={maxima[column.key]} />
              </td>
            ))}
          </tr>
        );
      })}
    </tbody>
  );
}

function alignOf<Row>(column: TableColumn<Row>): string {
  if (column.align) return column.align;
  return !column.bar && isNumeric(column.kind ?? "") ? "right" : "";
}

/** The value of a cell. */
export function cellValue<Row>(column: TableColumn<Row>, row: Row): Cell {
  if (column.value) return column.value(row);
  return ((row as Record<string, unknown>)[column.key] ?? null) as Cell;
}

/** Rows in order; nulls stand last either way. */
export function sortedRows<Row>(
  rows: Row[],
  columns: TableColumn<Row>[],
  sort: Sort | undefined,
): Row[] {
  const column = columns.find(({ key }) => key === sort?.key);
  if (!column || !sort) return rows;
  const way = sort.descending ? -1 : 1;
  return [...rows].sort((a, b) => {
    const x = cellValue(column, a);
    const y = cellValue(column, b);
    if (x === null || y === null) return Number(x === null) - Number(y === null);
    if (typeof x === "number" && typeof y === "number") return (x - y) * way;
    return String(x).localeCompare(String(y), "en", { numeric: true }) * way;
  });
}

function maximaOf<Row>(rows: Row[], columns: TableColumn<Row>[]): Record<string, number> {
  const most: Record<string, number> = {};
  for (const column of columns) {
    if (column.bar)
      most[column.key] = Math.max(0, ...rows.map((row) => Number(cellValue(column, row)) || 0));
  }
  return most;
}

interface HeadCellProps<Row> {
  column: TableColumn<Row>;
  sort: Sort | undefined;
  onSort: (sort: Sort) => void;
  onWidth: (width: number) => void;
}

function HeadCell<Row>({ column, sort, onSort, onWidth }: HeadCellProps<Row>) {
  const on = sort?.key === column.key;
  const numeric = isNumeric(column.kind ?? "") || column.kind === "time";
  const next = { key: column.key, descending: on ? !sort.descending : numeric };
  const Arrow = sort?.descending ? ArrowDown : ArrowUp;
  return (
    <th
      scope="col"
      className={alignOf(column)}
      aria-sort={on ? (sort.descending ? "descending" : "ascending") : undefined}
    >
      {column.sortable === false ? (
        column.label
      ) : (
        <button type="button" onClick={() => onSort(next)}>
          {column.label}
          {on && <Arrow size={12} aria-hidden />}
        </button>
      )}
      <Resizer label={column.label} onWidth={onWidth} />
    </th>
  );
}

interface TableCellProps<Row> {
  row: Row;
  column: TableColumn<Row>;
  names?: Record<string, Naming>;
  most?: number;
}

function TableCell<Row>({ row, column, names, most }: TableCellProps<Row>) {
  if (column.render) return <>{column.render(row)}</>;
  const value = cellValue(column, row);
  const kind = column.kind ?? "text";
  if (column.bar && typeof value === "number") {
    return (
      <BarCell
        value={value}
        most={most ?? value}
        rejected={column.bar(row)}
        text={formatValue(kind, value)}
      />
    );
  }
  return <CellView kind={kind} value={value} names={names} />;
}
