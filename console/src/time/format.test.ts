import { expect, test } from "vitest";
import {
  bytesFigure,
  countFigure,
  formatAxis,
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
  expect([0, 41, 59.6, 200, 3599, 18_600, 187_200].map(formatDuration)).toEqual([
    "0 s",
    "41 s",
    "60 s",
    "3 min 20 s",
    "59 min 59 s",
    "5 h 10 min",
    "2 d 4 h",
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
  expect(formatAxis(Date.UTC(2026, 9, 14) / 1000, 86_400, "utc")).toBe("Oct 14");
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
