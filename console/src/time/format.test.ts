import { expect, test } from "vitest";
import { dayMarks } from "./days";
import {
  bytesFigure,
  countFigure,
  formatBytes,
  formatCount,
  formatDuration,
  formatMicroseconds,
  formatRange,
  formatRatio,
  formatTime,
  formatValue,
} from "./format";
import { parseMoment } from "./moment";

test("counts are written out below ten thousand, and have three digits above", () => {
  expect([0, 12, 2184, 9999].map(formatCount)).toEqual(["0", "12", "2,184", "9,999"]);
  expect([10_000, 840_000, 999_960, 48_600_000].map(formatCount)).toEqual([
    "10.0k",
    "840k",
    "1.00M",
    "48.6M",
  ]);
  expect(countFigure(4.1e9)).toEqual({ number: "4.10", unit: "B" });
});

test("bytes are in powers of ten, and what rounds up to 1000 takes the next unit", () => {
  expect([0, 999, 1000, 7.42e12].map(formatBytes)).toEqual(["0 B", "999 B", "1.00 kB", "7.42 TB"]);
  expect(formatBytes(999_600)).toBe("1.00 MB");
  expect(bytesFigure(212e9)).toEqual({ number: "212", unit: "GB" });
});

test("durations carry over to the larger unit", () => {
  expect([0, 41, 59.6, 200, 3599, 3599.7].map(formatDuration)).toEqual([
    "0 s",
    "41 s",
    "1 min",
    "3 min 20 s",
    "59 min 59 s",
    "1 h",
  ]);
  expect([18_600, 85_000, 86_370, 187_200, -3700].map(formatDuration)).toEqual([
    "5 h 10 min",
    "23 h 37 min",
    "1 d",
    "2 d 4 h",
    "-1 h 2 min",
  ]);
  expect([840, 1240, 999_600].map(formatMicroseconds)).toEqual(["840 µs", "1.24 ms", "1.00 s"]);
});

test("a share that is not nothing never reads as nothing", () => {
  expect([0, 0.0004, 0.038, 1].map(formatRatio)).toEqual(["0%", "<0.1%", "3.8%", "100%"]);
});

test("times follow the zone", () => {
  const moment = Date.UTC(2026, 9, 13, 15) / 1000;
  expect(formatTime(moment, "utc")).toBe("2026-10-13 15:00:00");
  expect(formatTime(moment, "Europe/Berlin", "axis")).toBe("17:00");
  const day = { start: moment, end: moment + 86_400 };
  expect(formatRange(day, "utc")).toBe("Oct 13, 15:00 to Oct 14, 15:00 UTC");
  expect(formatRange({ start: moment, end: moment + 60 }, "utc")).toBe(
    "Oct 13, 15:00 to 15:01 UTC",
  );
  const year = { start: moment - 365 * 86_400, end: moment };
  expect(formatRange(year, "utc")).toBe("Oct 13, 2025, 15:00 to Oct 13, 2026, 15:00 UTC");
});

test("values are drawn by their kind, nulls as a dash", () => {
  expect(formatValue("bytes", null)).toBe("–");
  expect(formatValue("protocol", 6)).toBe("TCP");
  expect(formatValue("port", 50_432)).toBe("50432");
});

test("moments are read in the zone, also beside a change of the clocks", () => {
  const now = 1_800_000_000;
  expect(parseMoment("2026-11-27 14:00", "utc", now)).toBe(Date.UTC(2026, 10, 27, 14) / 1000);
  expect(parseMoment("2026-10-25 04:00", "Europe/Berlin", now)).toBe(
    Date.UTC(2026, 9, 25, 3) / 1000,
  );
  expect(parseMoment("2026-10-25 01:00", "Europe/Berlin", now)).toBe(
    Date.UTC(2026, 9, 24, 23) / 1000,
  );
  expect(parseMoment("-90m", "utc", now)).toBe(now - 5400);
  for (const wrong of ["2026-02-30", "2026-13-01", "25:00", "soon", ""]) {
    expect(parseMoment(wrong, "utc", now)).toBeUndefined();
  }
});

test("days begin at their first moment, over changes of the clocks too", () => {
  const from = Date.UTC(2026, 9, 23) / 1000;
  const week = { start: from, end: from + 7 * 86_400 };
  expect(dayMarks(week, "Europe/Berlin", 20).map(({ at }) => formatTime(at, "utc"))).toEqual([
    "2026-10-23 22:00:00",
    "2026-10-24 22:00:00",
    "2026-10-25 23:00:00",
    "2026-10-26 23:00:00",
    "2026-10-27 23:00:00",
    "2026-10-28 23:00:00",
    "2026-10-29 23:00:00",
  ]);
  // In Cairo the clocks go from 00:00 to 01:00: that day has no midnight.
  const spring = Date.UTC(2026, 3, 23) / 1000;
  const days = dayMarks({ start: spring, end: spring + 3 * 86_400 }, "Africa/Cairo", 9);
  expect(days.map(({ at, label }) => `${label} ${formatTime(at, "Africa/Cairo", "axis")}`)).toEqual(
    ["Fri 24 01:00", "Sat 25 00:00", "Sun 26 00:00"],
  );
  expect(dayMarks({ start: from, end: from + 7200 }, "Asia/Kathmandu", 9)[0]?.label).toBe("06:00");
});

test("marks of thousands of years are as few as asked for", () => {
  const marks = dayMarks({ start: 0, end: 99_999_999_999 }, "Europe/Berlin", 20);
  expect(marks.length).toBeLessThanOrEqual(21);
  expect(marks[1]?.label).toMatch(/^\w{3} \d{4}$/);
});
