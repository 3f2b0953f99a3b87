import { expect, test } from "vitest";
import type { Answer } from "../api/types";
import { sortedRows } from "../ui/DataTable";
import { answerColumns } from "./AnswerTable";
import { csvOf, fileName } from "./files";
import { partialOf } from "./PanelFrame";

const answer: Answer = {
  columns: [
    { name: "srcaddr", kind: "address", label: "Source", quiet: false },
    { name: "bytes", kind: "bytes", label: "Bytes", quiet: false },
    { name: "skipdata", kind: "count", label: "SKIPDATA", quiet: true },
  ],
  rows: 2,
  data: { srcaddr: ['=1+1,"x"', null], bytes: [5, -2], skipdata: [0, null] },
  names: {},
  time: null,
  scan: { rows: 0, bytes: 0, files: 0, files_pruned: 0, rollup: false },
  coverage: { skipdata_records: 0, nodata_records: 0, lower_bound: false },
  truncated: false,
  elapsed_s: 0,
  snapshot: "",
  notes: [],
  sections: null,
};

test("CSV quotes what must be, and is no formula in a spreadsheet", () => {
  expect(csvOf(answer)).toBe('srcaddr,bytes,skipdata\r\n"\'=1+1,""x""",5,0\r\n,-2,\r\n');
  expect(fileName("Who talks to whom?", "csv")).toBe("who-talks-to-whom.csv");
});

test("quiet columns without values are left out; fields can be filtered by", () => {
  const columns = answerColumns(answer);
  expect(columns.map(({ key, field }) => [key, field])).toEqual([
    ["srcaddr", "srcaddr"],
    ["bytes", undefined],
  ]);
});

test("an answer says why it is not all; the end of a list is no reason", () => {
  expect(partialOf(answer)).toBeUndefined();
  expect(partialOf({ ...answer, truncated: true })).toBeUndefined();
  const coverage = { ...answer.coverage, lower_bound: true };
  expect(partialOf({ ...answer, coverage })).toContain("SKIPDATA");
});

test("tables sort numbers as numbers, names by their digits, nulls last", () => {
  const rows = [
    { n: "eni-10", b: 9 },
    { n: "eni-9", b: null },
    { n: "eni-1", b: 30 },
  ];
  const columns = [
    { key: "n", label: "n" },
    { key: "b", label: "b" },
  ];
  const order = (key: string, descending: boolean) =>
    sortedRows(rows, columns, { key, descending }).map((row) => row.n);
  expect(order("n", false)).toEqual(["eni-1", "eni-9", "eni-10"]);
  expect(order("b", true)).toEqual(["eni-1", "eni-10", "eni-9"]);
  expect(order("b", false)).toEqual(["eni-10", "eni-1", "eni-9"]);
});
