import { Ban, Check, Minus } from "lucide-react";
import { useCallback, useMemo, useRef, useState } from "react";
import type { Answer, AnswerColumn, Cell } from "../../api/types";
import { useFields } from "../../filter/useCompletion";
import type { Sort } from "../../ui/DataTable";
import { MenuList } from "../../ui/Menu";
import { Popover } from "../../ui/Popover";
import { VirtualTable } from "../../ui/VirtualTable";
import { cellItems } from "./cellMenu";
import { useWidths } from "./columns";
import { fittedWidths } from "./widths";

export interface ResultTableProps {
  label: string;
  answer: Answer;
  /** The columns to show, of those that the answer has; by default all. */
  columns?: AnswerColumn[];
  /** Opens a row: Enter, the mark in front, or the menu. */
  onOpen?: (row: number) => void;
  sort?: Sort;
  onSort?: (sort: Sort) => void;
}

interface OpenMenu {
  row: number;
  column: string;
}

/** Rows of an answer, however many: a menu on each cell, keys, widths that are kept. */
export function ResultTable({ label, answer, onOpen, ...rest }: ResultTableProps) {
  const fields = useFields();
  const [widths, setWidth] = useWidths();
  const [menu, setMenu] = useState<OpenMenu | null>(null);
  const anchor = useRef<HTMLElement | null>(null);
  const columns = rest.columns ?? answer.columns;
  const fitted = useMemo(() => fittedWidths(answer, columns), [answer, columns]);
  const cell = useCallback(
    (row: number, name: string): Cell | undefined => answer.data[name]?.[row],
    [answer],
  );
  const open = (row: number, name: string, at: HTMLElement) => {
    anchor.current = at;
    setMenu({ row, column: name });
  };
  const close = useCallback(() => setMenu(null), []);
  const outcome = useOutcome(answer, onOpen);
  const rowText = (row: number) =>
    columns.map(({ name }) => String(answer.data[name]?.[row] ?? "")).join("\t");
  return (
    <div className="result">
      <VirtualTable
        label={label}
        columns={columns}
        rows={answer.rows}
        cell={cell}
        names={answer.names}
        widths={{ ...fitted, ...widths }}
        onWidths={(next, name) => setWidth(name, next[name] ?? 0)}
        onRow={onOpen}
        onCell={open}
        onMenu={open}
        mark={outcome?.mark}
        rowClass={outcome?.rowClass}
        sort={rest.sort}
        onSort={rest.onSort}
      />
      {menu && (
        <Popover anchor={anchor} onClose={close}>
          <MenuList
            label={`Cell of ${menu.column}`}
            onClose={close}
            onDone={() => anchor.current?.closest<HTMLElement>("[role=grid]")?.focus()}
            items={cellItems(
              {
                column: menu.column,
                value: answer.data[menu.column]?.[menu.row] ?? null,
                row: rowText(menu.row),
              },
              fields,
              onOpen && (() => onOpen(menu.row)),
            )}
          />
        </Popover>
      )}
    </div>
  );
}

const MARKS: Record<string, { icon: typeof Ban; word: string; kind: string }> = {
  REJECT: { icon: Ban, word: "Rejected", kind: "reject" },
  ACCEPT: { icon: Check, word: "Accepted", kind: "accept" },
};

/** A mark in front of each row that tells rejected from accepted by its shape. */
function useOutcome(answer: Answer, onOpen?: (row: number) => void) {
  const actions = answer.data.action;
  const latest = useRef(onOpen);
  latest.current = onOpen;
  const opens = onOpen !== undefined;
  return useMemo(() => {
    if (!actions) return undefined;
    const mark = (row: number) => {
      const {
        icon: Icon,
        word,
        kind,
      } = MARKS[String(actions[row])] ?? { icon: Minus, word: "No action", kind: "none" };
      const icon = <Icon size={14} aria-hidden className={`outcome ${kind}`} />;
      if (!opens) {
        return (
          <>
            {icon}
            <span className="sr">{word}</span>
          </>
        );
      }
      return (
        <button
          type="button"
          className="tool"
          tabIndex={-1}
          aria-label={`${word}: open the record`}
          title={`${word}. Open the record`}
          onClick={(event) => {
            event.stopPropagation();
            latest.current?.(row);
          }}
        >
          {icon}
        </button>
      );
    };
    const rowClass = (row: number) => (actions[row] === "REJECT" ? "rejected" : "");
    return { mark, rowClass };
  }, [actions, opens]);
}

/** The columns of an answer in the order of `names`; names that it does not have are left out. */
export function columnsNamed(answer: Answer, names: readonly string[]): AnswerColumn[] {
  const found = names.map((name) =>
    answer.columns.find((one) => one.name === name.replace(/-/g, "_")),
  );
  return found.filter((one) => one !== undefined);
}
