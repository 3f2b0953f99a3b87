import type { Cell } from "../api/types";
import { chipText, joinTerms } from "../filter/terms";
import { addChip } from "../state/filter";
import { currentPlace, hrefOf, navigate } from "../state/location";
import { copyText } from "./clipboard";
import type { TableColumn } from "./DataTable";
import type { MenuItem } from "./Menu";

/** Characters of a value that a menu shows. */
const SHOWN_MAX = 28;

/** What one can do with the values of a row: filter for, filter out, copy, open in Explore. */
export function rowItems<Row>(columns: TableColumn<Row>[], row: Row): MenuItem[] {
  const read = (column: TableColumn<Row>): Cell =>
    column.value
      ? column.value(row)
      : (((row as Record<string, unknown>)[column.key] ?? null) as Cell);
  const fields = columns.filter((column) => column.field);
  const items: MenuItem[] = [];
  for (const column of fields) {
    const field = column.field ?? "";
    const value = asValue(read(column));
    const text = `${field} = ${short(value)}`;
    items.push(
      { label: `Only ${text}`, onSelect: () => addChip(field, "=", value) },
      { label: `Not ${text}`, onSelect: () => addChip(field, "=", value, true) },
    );
  }
  if (fields.length) {
    items.push({
      label: "Open in Explore",
      separated: true,
      onSelect: () => {
        const own = fields.map((column) =>
          chipText({ field: column.field ?? "", operator: "=", value: asValue(read(column)) }),
        );
        const filter = new URLSearchParams(currentPlace().query).get("filter") ?? "";
        navigate(hrefOf("/explore", { filter: joinTerms([filter, ...own]) }));
      },
    });
  }
  items.push({
    label: columns.length === 1 ? "Copy the value" : "Copy the row",
    onSelect: () => copyText(columns.map((column) => String(read(column) ?? "")).join("\t")),
  });
  return items;
}

function asValue(value: Cell): string | number | null {
  return typeof value === "boolean" ? String(value) : value;
}

function short(value: string | number | null): string {
  const text = String(value ?? "null");
  return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX - 1)}…` : text;
}
