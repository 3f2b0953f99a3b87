import { Copy, CopyPlus, FileSearch, Filter, FilterX, Sigma } from "lucide-react";
import type { Cell, FieldEntry } from "../../api/types";
import { fieldOf } from "../../panels/AnswerTable";
import { addChip } from "../../state/filter";
import { setParams } from "../../state/location";
import { copyText } from "../../ui/clipboard";
import type { MenuItem } from "../../ui/Menu";

/** Characters of a value that a menu shows. */
const SHOWN_MAX = 32;

export interface CellAt {
  column: string;
  value: Cell;
  /** The whole row as text, with tabs between. */
  row: string;
}

/** The field that a column of an answer shows; undefined when records cannot be filtered by it. */
export function fieldOfColumn(column: string, fields: readonly FieldEntry[]): string | undefined {
  const known = fields.find((field) => field.column === column || field.name === column);
  return known?.name ?? fieldOf(column);
}

/** What one can do with a cell: open, filter for, filter out, copy, group by it. */
export function cellItems(
  at: CellAt,
  fields: readonly FieldEntry[],
  onOpen?: () => void,
): MenuItem[] {
  const field = fieldOfColumn(at.column, fields);
  const value = typeof at.value === "boolean" ? String(at.value) : at.value;
  const shown = shortened(value === null ? "null" : String(value));
  const items: MenuItem[] = [];
  if (onOpen) {
    items.push({
      label: "Open the record",
      icon: <FileSearch size={14} />,
      hint: "Enter",
      onSelect: onOpen,
    });
  }
  if (field) {
    items.push(
      {
        label: `Only ${field} = ${shown}`,
        icon: <Filter size={14} />,
        separated: items.length > 0,
        onSelect: () => addChip(field, "=", value),
      },
      {
        label: `Not ${field} = ${shown}`,
        icon: <FilterX size={14} />,
        onSelect: () => addChip(field, "=", value, true),
      },
    );
    if (/^(src|dst)(addr|port)$/.test(field) && value !== null) {
      const either = field.slice(3);
      items.push({
        label: `Either ${either === "addr" ? "address" : "port"} = ${shown}`,
        icon: <Filter size={14} />,
        onSelect: () => addChip(either, "=", value),
      });
    }
    items.push({
      label: `Group by ${field}`,
      icon: <Sigma size={14} />,
      separated: true,
      onSelect: () => setParams({ mode: "pivot", by: field, record: null }),
    });
  }
  items.push(
    {
      label: "Copy the value",
      icon: <Copy size={14} />,
      separated: items.length > 0,
      onSelect: () => copyText(String(at.value ?? "")),
    },
    {
      label: "Copy the row",
      icon: <CopyPlus size={14} />,
      onSelect: () => copyText(at.row),
    },
  );
  return items;
}

function shortened(text: string): string {
  return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX - 1)}…` : text;
}
