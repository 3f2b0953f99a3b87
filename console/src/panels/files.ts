import type { Answer, Cell } from "../api/types";

/** An answer as CSV: a line of names, then the rows. Times are seconds since the epoch. */
export function csvOf(answer: Answer): string {
  const names = answer.columns.map((column) => column.name);
  const lines = [names.map(quoted).join(",")];
  for (let row = 0; row < answer.rows; row += 1) {
    lines.push(names.map((name) => quoted(answer.data[name]?.[row] ?? null)).join(","));
  }
  return `${lines.join("\r\n")}\r\n`;
}

function quoted(value: Cell): string {
  if (typeof value === "number") return String(value);
  let text = String(value ?? "");
  // A spreadsheet would run what begins like this as a formula.
  if (/^[=+\-@\t]/.test(text)) text = `'${text}`;
  return /[",\r\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
}

/** Hands a file to the browser. Shape: a blob, or a data address. */
export function download(name: string, content: Blob | string): void {
  const address = typeof content === "string" ? content : URL.createObjectURL(content);
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  if (typeof content !== "string") URL.revokeObjectURL(address);
}

/** A file's name from a title: `top-talkers.csv`. */
export function fileName(title: string, ending: string): string {
  const base = title.toLowerCase().replace(/[^a-z0-9]+/g, "-");
  return `${base.replace(/^-|-$/g, "") || "vpcflow"}.${ending}`;
}
