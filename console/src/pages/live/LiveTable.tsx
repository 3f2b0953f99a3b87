import { ArrowDown, ArrowUp, Ban } from "lucide-react";
import { type UIEvent, useMemo, useRef, useState } from "react";
import type { AnswerColumn, Cell, FieldEntry, Naming } from "../../api/types";
import { formatCount } from "../../time/format";
import { Button } from "../../ui/Button";
import { MenuList } from "../../ui/Menu";
import { Popover } from "../../ui/Popover";
import { EmptyState } from "../../ui/State";
import { VirtualTable } from "../../ui/VirtualTable";
import { type CellAt, cellItems } from "../explore/cellMenu";
import { useWidths } from "../explore/columns";
import type { RowRing } from "./ring";
import type { LiveTail } from "./tail";

export type Order = "newest" | "follow";

/** Pixels from the edge where rows come in, beyond which the reader has gone to look at others. */
const AWAY_PX = 48;

/** Ids are to be read whole. Units: CSS pixels. */
const WIDTHS = { interface_id: 200 };

interface LiveTableProps {
  tail: LiveTail;
  columns: AnswerColumn[];
  fields: readonly FieldEntry[];
  names: Record<string, Naming>;
  order: Order;
  paused: boolean;
  away: boolean;
  onAway: (away: boolean) => void;
  onOpen: (row: number) => void;
}

/** The row of the stream that stands at a place of the table. */
export function rowAt(ring: RowRing, place: number, order: Order): number {
  return order === "newest" ? ring.total - 1 - place : ring.first + place;
}

/** The records that came, in a table that stays still while the reader looks at older ones. */
export function LiveTable({ tail, columns, fields, names, order, away, ...rest }: LiveTableProps) {
  const { ring, freshFrom } = tail;
  const { total, first } = ring;
  const box = useRef<HTMLDivElement>(null);
  const anchor = useRef<HTMLElement | null>(null);
  const [kept, setWidth] = useWidths();
  const widths = useMemo(() => ({ ...WIDTHS, ...kept }), [kept]);
  const [menu, setMenu] = useState<{ at: CellAt; row: number } | null>(null);
  // New functions for new rows, so that the rows in view are drawn again.
  const reads = useMemo(
    () => readsOf(ring, order, total, first, freshFrom),
    [ring, order, total, first, freshFrom],
  );
  const scroll = (event: UIEvent) => {
    const list = event.target as HTMLElement;
    if (!list.classList.contains("vtable")) return;
    const below = list.scrollHeight - list.clientHeight - list.scrollTop;
    rest.onAway((order === "newest" ? list.scrollTop : below) > AWAY_PX);
  };
  const back = () => {
    const list = box.current?.querySelector(".vtable");
    if (list) list.scrollTop = order === "newest" ? 0 : list.scrollHeight;
    rest.onAway(false);
  };
  const open = (place: number, column: string, at: HTMLElement) => {
    const line = columns.map(({ name }) => String(reads.cell(place, name) ?? "")).join("\t");
    anchor.current = at;
    setMenu({
      at: { column, value: reads.cell(place, column), row: line },
      row: rowAt(ring, place, order),
    });
  };
  return (
    <div ref={box} className="card live-table" onScrollCapture={scroll}>
      {ring.length ? (
        <VirtualTable
          label="Records as they arrive"
          columns={columns}
          rows={ring.length}
          cell={reads.cell}
          names={names}
          mark={reads.mark}
          rowClass={reads.rowClass}
          widths={widths}
          onWidths={(next, name) => setWidth(name, next[name] ?? 0)}
          follow={order === "follow" && !away}
          onRow={(place) => rest.onOpen(rowAt(ring, place, order))}
          onMenu={open}
        />
      ) : (
        <Nothing tail={tail} paused={rest.paused} />
      )}
      {away && tail.held && ring.length > 0 && <Back tail={tail} order={order} onBack={back} />}
      {menu && (
        <Popover anchor={anchor} onClose={() => setMenu(null)}>
          <MenuList
            label="Cell"
            onClose={() => setMenu(null)}
            onDone={() => box.current?.querySelector<HTMLElement>(".vtable")?.focus()}
            items={cellItems(menu.at, fields, () => rest.onOpen(menu.row)).filter(
              // Groups are of what the table holds; the tail has only what came now.
              (item) => !item.label.startsWith("Group by"),
            )}
          />
        </Popover>
      )}
    </div>
  );
}

/** Leads back to where rows come in. */
function Back({ tail, order, onBack }: { tail: LiveTail; order: Order; onBack: () => void }) {
  const Arrow = order === "newest" ? ArrowUp : ArrowDown;
  return (
    <Button className={`live-back ${order}`} size="sm" kind="primary" onClick={onBack}>
      <Arrow size={13} />
      {newRows(tail)}
    </Button>
  );
}

function newRows(tail: LiveTail): string {
  if (tail.connection.kind === "full") return `More than ${formatCount(tail.heldRows)} new records`;
  if (!tail.heldRows) return "Back to the newest";
  return tail.heldRows === 1 ? "1 new record" : `${formatCount(tail.heldRows)} new records`;
}

function readsOf(ring: RowRing, order: Order, total: number, first: number, freshFrom: number) {
  const row = (place: number) => (order === "newest" ? total - 1 - place : first + place);
  const cell = (place: number, column: string): Cell => ring.cell(row(place), column);
  const isRejected = (place: number) => cell(place, "action") === "REJECT";
  const rowClass = (place: number) =>
    `${isRejected(place) ? "rejected" : ""} ${row(place) >= freshFrom ? "fresh" : ""}`;
  const mark = (place: number) =>
    isRejected(place) ? <Ban size={13} className="live-rejected" aria-label="Rejected" /> : null;
  return { cell, rowClass, mark };
}

function Nothing({ tail, paused }: { tail: LiveTail; paused: boolean }) {
  const waiting = tail.heldRows > 0;
  const title = paused && waiting ? "Paused" : "No record came yet";
  return (
    <EmptyState title={title}>
      {paused && waiting
        ? `${formatCount(tail.heldRows)} records wait; resume to see them.`
        : "Records come in bursts, when an interval of metering ends."}
    </EmptyState>
  );
}
