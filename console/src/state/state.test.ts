import { beforeEach, expect, test } from "vitest";
import { matchPath, NOT_FOUND, routeOf } from "../app/routes";
import { addChip, clearFilter, removeTerm } from "./filter";
import { currentPlace, hrefOf, navigate, setParams } from "./location";
import {
  parseLast,
  previousName,
  previousOf,
  rangeOf,
  resolveLast,
  setLast,
  setRange,
  shifted,
  undoRange,
  zoomedOut,
} from "./range";

const NOW = 1_800_000_030;

window.scrollTo = () => undefined;
beforeEach(() => navigate("/explore"));

test("a range is the last hour where the address says none, or nonsense", () => {
  for (const query of ["", "last=soon", "start=5&end=4", "last=99999d", "start=x&end=9"]) {
    const range = rangeOf(query, NOW);
    expect([range.relative, range.seconds, range.label]).toEqual(["1h", 3600, "Last hour"]);
  }
});

test("relative ranges end on whole minutes, so that people ask the same", () => {
  expect(resolveLast(3600, NOW)).toEqual(resolveLast(3600, NOW + 20));
  expect(resolveLast(3600, NOW).end % 60).toBe(0);
  expect(resolveLast(7 * 86_400, NOW).end % 300).toBe(0);
  expect(resolveLast(3600, NOW).end).toBeGreaterThanOrEqual(NOW);
  expect([parseLast("90m"), parseLast("2w"), parseLast("30s"), parseLast("1y")]).toEqual([
    5400,
    1_209_600,
    undefined,
    undefined,
  ]);
  expect(rangeOf("last=90m", NOW).label).toBe("Last 90 minutes");
});

test("a fixed range takes the place of a relative one, and is undone", () => {
  navigate("/explore?last=6h&filter=action+%3D+REJECT");
  setRange({ start: 1000, end: 5000 });
  expect(currentPlace().query).toBe("filter=action+%3D+REJECT&start=1000&end=5000");
  expect(undoRange()).toBe(true);
  expect(new URLSearchParams(currentPlace().query).get("last")).toBe("6h");
  expect(new URLSearchParams(currentPlace().query).has("start")).toBe(false);
});

test("a range is never narrower than a minute", () => {
  setRange({ start: 1000, end: 1010 });
  const range = rangeOf(currentPlace().query, NOW);
  expect(range.seconds).toBe(60);
});

test("the default range leaves no trace in the address", () => {
  setLast("6h");
  setLast("1h");
  expect(currentPlace().query).toBe("");
});

test("ranges move by their own width and zoom about their middle, not past now", () => {
  const span = { start: 1000, end: 2000 };
  expect(shifted(span, -0.5)).toEqual({ start: 500, end: 1500 });
  const wide = zoomedOut(span, NOW);
  expect([wide.end - wide.start, (wide.start + wide.end) / 2]).toEqual([2000, 1500]);
  expect(zoomedOut({ start: NOW - 3600, end: NOW }, NOW).end).toBeLessThan(NOW + 60);
});

test("the range before is as wide, and is called by its width", () => {
  expect(previousOf({ start: 86_400, end: 90_000 })).toEqual({ start: 82_800, end: 86_400 });
  const names = [900, 3600, 10_800, 86_400, 172_800, 604_800, 5400].map((seconds) =>
    previousName({ start: 0, end: seconds }),
  );
  expect(names).toEqual([
    "previous 15 minutes",
    "previous hour",
    "previous 3 hours",
    "previous day",
    "previous 2 days",
    "previous week",
    "previous 90 minutes",
  ]);
});

test("links keep range and filter, and nothing else", () => {
  navigate("/explore?last=6h&filter=a+%3D+1&tab=sql");
  expect(hrefOf("/live")).toBe("/live?last=6h&filter=a+%3D+1");
  expect(hrefOf("/live?last=1d", { filter: null })).toBe("/live?last=1d");
});

test("chips add to the filter once, and take the place of their opposite", () => {
  addChip("action", "=", "REJECT");
  addChip("action", "=", "REJECT");
  addChip("dstport", "=", 22, true);
  const filter = () => new URLSearchParams(currentPlace().query).get("filter");
  expect(filter()).toBe("action = REJECT and dstport != 22");
  addChip("dstport", "=", 22);
  expect(filter()).toBe("action = REJECT and dstport = 22");
  addChip("dstport", "=", 80);
  expect(filter()).toBe("action = REJECT and dstport = 80");
  addChip("addr", "=", "10.0.0.1");
  addChip("addr", "=", "10.0.0.2");
  expect(filter()).toContain("addr = 10.0.0.1 and addr = 10.0.0.2");
  for (const address of ["10.0.0.1", "10.0.0.2"]) removeTerm(`addr = ${address}`);
  removeTerm("action = REJECT");
  expect(filter()).toBe("dstport = 80");
  clearFilter();
  expect(filter()).toBeNull();
});

test("parameters are set and taken away without touching others", () => {
  navigate("/explore?a=1&b=2");
  setParams({ a: null, c: "x y" });
  expect(currentPlace()).toEqual({ path: "/explore", query: "b=2&c=x+y" });
});

test("paths lead to pages; fixed ones win over variable ones", () => {
  expect(matchPath("/flow-logs/:id", "/flow-logs/fl-1%2F2/")).toEqual({ id: "fl-1/2" });
  expect(matchPath("/flow-logs/:id", "/flow-logs")).toBeUndefined();
  expect(routeOf("/flow-logs/new").params).toEqual({});
  expect(routeOf("/flow-logs/new").page).not.toBe(routeOf("/flow-logs/fl-1").page);
  expect(routeOf("/nowhere").page).toBe(NOT_FOUND);
});

test("a range of an address is a year at most, and zooming out stays before now", () => {
  const wide = rangeOf("start=0&end=99999999999", NOW);
  expect([wide.end, wide.seconds]).toEqual([99_999_999_999, 366 * 86_400]);
  const year = { start: NOW - 366 * 86_400, end: NOW };
  const zoomed = zoomedOut(year, NOW);
  expect(zoomed.end - zoomed.start).toBe(366 * 86_400);
  expect(zoomed.end).toBeGreaterThanOrEqual(NOW);
});
