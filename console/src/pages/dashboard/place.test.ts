import { expect, test } from "vitest";
import type { DashboardPanel } from "../../panels/document";
import { parseDocument } from "../dashboards/documents";
import { timeOf } from "./DetailsDialog";
import { placed } from "./PanelGrid";
import { movedBy, resized } from "./PlaceDialog";
import { lastOf, widthFor } from "./useOpeningTime";

const grid = { x: 6, y: 2, w: 6, h: 8 };
const panel = { id: "p1", kind: "area", title: "", hint: "", options: {}, grid } as DashboardPanel;

test("keys move and resize within the twelve columns", () => {
  expect(movedBy(grid, [1, 0]).x).toBe(6);
  expect(movedBy({ ...grid, x: 0, y: 0 }, [-1, -1])).toMatchObject({ x: 0, y: 0 });
  expect(resized(grid, [1, 0]).w).toBe(6);
  expect(resized({ ...grid, w: 2, h: 3 }, [-1, -1])).toMatchObject({ w: 2, h: 3 });
});

test("a layout that moves nothing changes nothing", () => {
  expect(placed([panel], [{ i: "p1", ...grid }])).toBeNull();
  expect(placed([panel], [{ i: "p1", ...grid, y: 9 }])?.[0]?.grid.y).toBe(9);
});

test("a dashboard's time is a range up to now", () => {
  expect([3600, 86_400, 604_800, 900].map(lastOf)).toEqual(["1h", "24h", "7d", "15m"]);
});

test("a file that is no dashboard is refused with its name and place", () => {
  expect(() => parseDocument("a.json", '{\n "title": x}')).toThrow(
    /a\.json is no JSON.*(line|position|token)/,
  );
  expect(() => parseDocument("a.json", "[]")).toThrow("one JSON object");
});

test("a dashboard opens with less time where the table is younger than its own", () => {
  expect(widthFor(86_400, 77 * 60)).toBe(10_800);
  expect(widthFor(604_800, 30 * 3600)).toBe(172_800);
  expect(widthFor(3600, 60)).toBe(3600);
  expect(widthFor(86_400, 90 * 86_400)).toBe(86_400);
});

test("the page's range is kept as it is: up to now, or from a moment to a moment", () => {
  const range = { start: 100, end: 3700, seconds: 3600, label: "", exact: "" };
  expect(timeOf({ ...range, relative: "1h" })).toEqual({ last_s: 3600 });
  expect(timeOf({ ...range, relative: null })).toEqual({ start_s: 100, end_s: 3700 });
});
