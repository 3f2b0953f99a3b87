import { describe, expect, it } from "vitest";
import type { InterfaceTraffic } from "../../api/schema";
import { networkOf } from "../../network/network";
import { isOf, KINDS, matches, rowsOf } from "./rows";

const seen = (changes: Partial<InterfaceTraffic>): InterfaceTraffic => ({
  interface_id: "eni-1",
  account_id: null,
  name: "web",
  known: true,
  address: "10.0.0.7",
  vpc_id: "vpc-1",
  subnet_id: null,
  groups: [],
  records: 5,
  bytes: 1,
  bytes_in: 1,
  bytes_out: 0,
  rejected: 0,
  reject_share: 0,
  minutes_seen: 30,
  minutes_expected: 60,
  longest_gap_s: 0,
  longest_gap_start_s: null,
  first_record_s: 1,
  last_record_s: 2,
  covered: true,
  flow_logs: ["fl-1"],
  ...changes,
});
const rows = (...changes: Partial<InterfaceTraffic>[]) =>
  rowsOf(
    {
      interfaces: changes.map(seen),
      interfaces_total: changes.length,
      scan: { rows: 0, bytes: 0, files: 0, files_pruned: 0, rollup: false },
      coverage: { skipdata_records: 0, nodata_records: 0, lower_bound: false },
      truncated: false,
      elapsed_s: 0,
      notes: [],
    },
    networkOf(undefined),
  );

describe("rowsOf", () => {
  it("says the share of minutes seen, and nothing without records", () => {
    const [half, none] = rows({}, { minutes_seen: null, minutes_expected: null });
    expect(half?.seen).toBe(0.5);
    expect(none?.seen).toBeNull();
  });
  it("takes the address of records where nothing is set up", () => {
    expect(rows({})[0]?.addresses).toEqual(["10.0.0.7"]);
    expect(rows({ address: null })[0]?.addresses).toEqual([]);
  });
});

describe("isOf", () => {
  const kindsOf = (changes: Partial<InterfaceTraffic>) =>
    KINDS.filter((kind) => rows(changes).every((row) => isOf(kind, row)));
  it("tells apart what lacks a flow log, has gaps, is unknown or silent", () => {
    expect(kindsOf({})).toEqual(["all"]);
    expect(kindsOf({ covered: false })).toEqual(["all", "uncovered"]);
    expect(kindsOf({ longest_gap_s: 600 })).toEqual(["all", "gaps"]);
    expect(kindsOf({ known: false, covered: false })).toEqual(["all", "unlisted"]);
    expect(kindsOf({ records: 0 })).toEqual(["all", "silent"]);
  });
});

describe("matches", () => {
  const [row] = rows({});
  it("finds all words in names, ids and addresses", () => {
    if (!row) throw new Error("no row");
    expect(matches(row, "WEB 10.0.0")).toBe(true);
    expect(matches(row, "fl-1 vpc-1")).toBe(true);
    expect(matches(row, "web db")).toBe(false);
  });
});
