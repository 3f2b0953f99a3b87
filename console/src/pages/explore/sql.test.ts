import { expect, test } from "vitest";
import type { Answer } from "../../api/types";
import { EXAMPLES } from "./examples";
import { chartsOf, placeOf, withTimes } from "./sqlAnswer";
import { added, HISTORY_MAX } from "./sqlHistory";
import { LINK_MAX, linkOf, PLAIN_MAX, unpackedText } from "./sqlLink";

const answer = (columns: [string, string][], data: Answer["data"]): Answer => ({
  columns: columns.map(([name, kind]) => ({ name, kind, label: name, quiet: false })) as never,
  rows: 2,
  data,
  names: {},
  time: null,
  scan: { rows: 0, bytes: 0, files: 0, files_pruned: 0, rollup: false },
  coverage: { skipdata_records: 0, nodata_records: 0, lower_bound: false },
  truncated: false,
  elapsed_s: 0,
  snapshot: "",
  notes: [],
  sections: null,
});

test("short SQL stands in a link as it is, long SQL packed, and comes back whole", async () => {
  expect(await linkOf("SELECT 1")).toEqual({ sql: "SELECT 1", sqlz: null });
  const long = `SELECT '${"ü→".repeat(PLAIN_MAX)}'`;
  const link = await linkOf(long);
  expect(link?.sql).toBeNull();
  expect(link?.sqlz).toMatch(/^[\w-]+$/);
  expect(await unpackedText(link?.sqlz ?? "")).toBe(long);
  await expect(unpackedText("nonsense!")).rejects.toThrow();
});

test("SQL that no link can hold has none", async () => {
  let noise = "";
  let seed = 1;
  while (noise.length < LINK_MAX * 2) {
    seed = (seed * 48271) % 2147483647;
    noise += seed.toString(36);
  }
  expect(await linkOf(noise)).toBeUndefined();
});

test("numbers that are moments become times; counts of the same name do not", () => {
  const at = answer([["time", "count"]], { time: [1795733400, null] });
  expect(withTimes(at).columns[0]?.kind).toBe("time");
  const counts = answer([["time", "count"]], { time: [5, 1795733400] });
  expect(withTimes(counts)).toBe(counts);
});

test("charts that fit: over time, of names, none", () => {
  const rows: [string, string][] = [["n", "count"]];
  expect(chartsOf(answer([["at", "time"], ...rows], {})).map(({ value }) => value)).toContain(
    "area",
  );
  expect(chartsOf(answer([["a", "address"], ...rows], {})).map(({ value }) => value)).toEqual([
    "bars",
    "pie",
  ]);
  expect(chartsOf(answer(rows, {}))).toEqual([]);
});

test("positions count code points, the editor UTF-16", () => {
  expect(placeOf("a😀b", 2)).toBe(3);
  expect(placeOf("ab", 9)).toBe(2);
});

test("history is bounded, newest first, without repeats", () => {
  let list = Array.from({ length: HISTORY_MAX }, (_, at) => ({ text: `q${at}`, at }));
  list = added(list, { text: "q5", at: 900 });
  expect(list).toHaveLength(HISTORY_MAX);
  expect(list[0]).toEqual({ text: "q5", at: 900 });
  expect(added(list, { text: "new", at: 901 })).toHaveLength(HISTORY_MAX);
});

test("examples name both words of the page", () => {
  expect(EXAMPLES.length).toBeGreaterThanOrEqual(8);
  for (const { sql } of EXAMPLES) {
    expect(sql).toContain("$time");
    expect(sql).toContain("$filters");
  }
});
