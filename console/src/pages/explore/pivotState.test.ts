import { expect, test } from "vitest";
import { breakdownParams, filterOfGroup, sharesOf } from "./pivotState";

const FIELDS = [{ name: "interface-id", column: "interface_id", kind: "text" }];
const STATE = { by: ["class"], measure: "records", top: "500", chart: "area", set: () => {} };

test("a group's filter names what filters can say", () => {
  const row = { interface_id: "eni-1", address: "10.0.0.1", class: "rejected", scope: "internal" };
  expect(filterOfGroup(row, ["interface_id", "address"], FIELDS)).toBe(
    "interface-id = eni-1 and addr = 10.0.0.1",
  );
  expect(filterOfGroup(row, ["class", "scope"], FIELDS)).toBe("action = REJECT");
  expect(filterOfGroup({ interface_id: null }, ["interface_id"], FIELDS)).toBe(
    "interface-id is null",
  );
});

test("over time only as many groups are asked as can be told apart", () => {
  expect(breakdownParams(STATE, true)).toMatchObject({ limit: 8, interval: "auto" });
  expect(breakdownParams(STATE, false)).toMatchObject({ limit: 500, sort: "records" });
});

test("shares are of the whole; of nothing they are nothing", () => {
  expect(sharesOf([3, 1, null])).toEqual([0.75, 0.25, 0]);
  expect(sharesOf([0, null])).toEqual([0, 0]);
});
