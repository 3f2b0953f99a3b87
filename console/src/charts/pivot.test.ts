import { describe, expect, it } from "vitest";
import { type AnswerEnvelope, answerOf } from "./answer";
import { barsOf, pivotOf } from "./pivot";

const series: AnswerEnvelope = {
  columns: [
    { name: "time", kind: "time", label: "Time" },
    { name: "action", kind: "text", label: "Action" },
    { name: "bytes", kind: "bytes", label: "Bytes" },
    { name: "records", kind: "count", label: "Records" },
  ],
  rows: 4,
  data: {
    time: [60, 60, 180, 180],
    action: ["ACCEPT", "REJECT", "ACCEPT", null],
    bytes: [10, 1, 30, 5],
    records: [1, 1, 3, 1],
  },
  time: { start_s: 0, end_s: 240, interval_s: 60 },
};

describe("pivotOf", () => {
  it("fills the whole range with zeros and puts rejected on top", () => {
    const pivot = pivotOf(answerOf(series));
    expect(pivot?.times).toEqual([0, 60, 120, 180]);
    expect(pivot?.series.map((line) => line.name)).toEqual(["unknown", "Accepted", "Rejected"]);
    expect(pivot?.series[1]?.values).toEqual([0, 10, 0, 30]);
    expect(pivot?.series[2]?.pick).toEqual({ field: "action", value: "REJECT" });
    expect(pivot?.series[0]?.pick).toBeUndefined();
  });
  it("sums what is beyond the top as other, and keeps rejected", () => {
    const names = ["a", "b", "c", "REJECT"];
    const wide = {
      ...series,
      data: { ...series.data, time: [60, 60, 60, 60], action: names, bytes: [4, 3, 2, 1] },
    };
    const pivot = pivotOf(answerOf(wide), { top: 1 });
    expect(pivot?.series.map((line) => line.name)).toEqual(["other", "a", "Rejected"]);
    expect(pivot?.series[0]?.values).toEqual([0, 5, 0, 0]);
  });
  it("measures what is asked, without a split when told so", () => {
    const pivot = pivotOf(answerOf(series), { measure: "records", split: null });
    expect(pivot?.series.length).toBe(1);
    expect(pivot?.series[0]?.values).toEqual([0, 2, 0, 4]);
  });
  it("is null when there is no time", () => {
    const columns = series.columns.slice(1);
    expect(pivotOf(answerOf({ ...series, columns }))).toBeNull();
  });
  it("keeps starts of intervals when the range begins between them", () => {
    const time = { start_s: 30, end_s: 240, interval_s: 60 };
    expect(pivotOf(answerOf({ ...series, time }))?.times).toEqual([0, 60, 120, 180]);
  });
});

describe("barsOf", () => {
  const ports: AnswerEnvelope = {
    columns: [
      { name: "protocol", kind: "protocol", label: "Protocol" },
      { name: "port", kind: "port", label: "Port" },
      { name: "bytes", kind: "bytes", label: "Bytes" },
      { name: "records", kind: "count", label: "Records" },
      { name: "rejected", kind: "count", label: "Rejected" },
    ],
    rows: 2,
    data: {
      protocol: ["tcp", "udp"],
      port: [22, 53],
      bytes: [100, 300],
      records: [10, 10],
      rejected: [5, 0],
    },
  };
  it("orders rows, names them by their keys, and tells rejected bytes only where they are known", () => {
    const bars = barsOf(answerOf(ports));
    expect(bars?.rows.map((row) => row.value)).toEqual(["53", "22"]);
    expect(bars?.rows[1]).toMatchObject({ name: "ssh tcp", amount: 100, rejected: undefined });
    expect(bars?.rows[1]?.pick).toEqual({
      field: "protocol",
      value: "tcp",
      and: [{ field: "port", value: 22 }],
    });
  });
});
