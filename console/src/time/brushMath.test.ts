import { expect, test } from "vitest";
import { barPaths, barsOf, domainOf, dragged, keyed, moved } from "./brushMath";

const HOUR = 3600;
const NOW = 1_800_000_000;
const domain = { start: 0, end: 7 * 86_400, step: 1800 };
const window = { start: 86_400, end: 2 * 86_400 };

test("the brush covers a week up to now in half hours", () => {
  const range = { start: NOW - HOUR, end: NOW };
  const found = domainOf(range, { first: NOW - 30 * 86_400, last: NOW - 60 }, NOW);
  expect(found).toEqual({ start: NOW - 7 * 86_400, end: NOW, step: 1800 });
});

test("an old table is covered where its records are, a range outside as well", () => {
  const extent = { first: NOW - 50 * 86_400, last: NOW - 48 * 86_400 };
  const found = domainOf({ start: extent.last - HOUR, end: extent.last }, extent, NOW);
  expect(found.end - extent.last).toBeLessThanOrEqual(found.step);
  expect(extent.first - found.start).toBeLessThan(found.step);
  expect(domainOf({ start: NOW - HOUR, end: NOW }, extent, NOW).end).toBeGreaterThanOrEqual(NOW);
});

test("arrow keys move a handle by a bar, with Shift by six, Page by a day", () => {
  expect(keyed("start", "ArrowLeft", false, window, domain)?.start).toBe(86_400 - 1800);
  expect(keyed("end", "ArrowRight", true, window, domain)?.end).toBe(2 * 86_400 + 6 * 1800);
  expect(keyed("end", "PageUp", false, window, domain)?.end).toBe(3 * 86_400);
  expect(keyed("start", "Home", false, window, domain)?.start).toBe(0);
  expect(keyed("start", "a", false, window, domain)).toBeUndefined();
});

test("handles neither cross nor leave the brush", () => {
  const most = keyed("start", "End", false, window, domain);
  expect(most).toEqual({ start: window.end - 1800, end: window.end });
  expect(dragged("end", window, 0, -5000, domain)).toEqual({
    start: window.start,
    end: window.start + 1800,
  });
  expect(keyed("end", "End", false, window, domain)?.end).toBe(domain.end);
});

test("the window keeps its width at the edges", () => {
  expect(moved(window, -10 * 86_400, domain)).toEqual({ start: 0, end: 86_400 });
  expect(moved(window, 10 * 86_400, domain)).toEqual({ start: 6 * 86_400, end: 7 * 86_400 });
});

test("a new window is drawn in either direction, on whole bars", () => {
  expect(dragged("new", window, 10_000, 3_700, domain)).toEqual({ start: 3600, end: 10_800 });
  expect(dragged("new", window, 3600, 3601, domain)).toEqual({ start: 3600, end: 5400 });
});

test("rejected bars stand on accepted ones and are never invisible", () => {
  const bars = [{ time: 0, accepted: 1_000_000, rejected: 1 }];
  const { accepted, rejected } = barPaths(bars, domain, 1000, 40);
  expect(accepted).toMatch(/^M0\.00 64h.*v-40\.00/);
  expect(rejected).toMatch(/^M0\.00 24\.00h.*v-1\.00/);
});

test("classes add up to accepted and rejected", () => {
  const data = {
    time: [0, 0, 0, 1800],
    class: ["internal", "egress", "rejected", "ingress"],
    records: [5, 2, 1, 4],
  };
  const answer = { data } as unknown as Parameters<typeof barsOf>[0];
  expect(barsOf(answer)).toEqual([
    { time: 0, accepted: 7, rejected: 1 },
    { time: 1800, accepted: 4, rejected: 0 },
  ]);
});
