import { expect, test } from "vitest";
import type { Answer } from "../../api/types";
import { chartAnswer, withoutOthers } from "./chartAnswer";
import { fittedWidths } from "./widths";

const ANSWER = {
  columns: [
    { name: "protocol", kind: "protocol", label: "Protocol", quiet: false },
    { name: "srcaddr", kind: "address", label: "Source", quiet: false },
    { name: "bytes", kind: "bytes", label: "Bytes", quiet: false },
    { name: "is_other", kind: "count", label: "Other", quiet: true },
  ],
  rows: 3,
  data: {
    protocol: [6, null, null],
    srcaddr: ["10.0.0.1", "10.0.0.2", null],
    bytes: [9, 5, 3],
    is_other: [0, 0, 1],
  },
  names: { "10.0.0.1": { name: "web" } },
} as unknown as Answer;

test("groups of several fields have one name, and the rest is other", () => {
  const drawn = chartAnswer(ANSWER, ["protocol", "srcaddr"]);
  expect(drawn.data.group).toEqual(["TCP · web", "none · 10.0.0.2", "other"]);
  expect(drawn.columns.map(({ name }) => name)).toEqual(["group", "bytes"]);
});

test("a group of one field keeps its name, so that a click can filter by it", () => {
  const drawn = chartAnswer(ANSWER, ["protocol"]);
  expect(drawn.data.protocol).toEqual(["TCP", null, "other"]);
  expect(drawn.columns[0]?.name).toBe("protocol");
});

test("bars leave the rest out", () => {
  const kept = withoutOthers(ANSWER);
  expect(kept.rows).toBe(2);
  expect(kept.data.bytes).toEqual([9, 5]);
});

test("columns fit most rows, not the one long address", () => {
  const rows = 50;
  const addresses = Array.from({ length: rows }, (_, row) => `10.0.0.${row}`);
  const short = { ...ANSWER, rows, names: {}, data: { srcaddr: addresses } };
  const column = ANSWER.columns.slice(1, 2);
  const before = fittedWidths(short, column).srcaddr;
  addresses[0] = "2001:db8:5a3b:2:6a03:d432:2d92:dc23";
  expect(fittedWidths(short, column).srcaddr).toBe(before);
});
