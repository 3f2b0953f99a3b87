import { describe, expect, it } from "vitest";
import { barsSentence } from "./Bars";
import { binOf, heatCells, logEdges } from "./bins";
import { colourOf, coloursOf } from "./colours";
import { changeOf } from "./figures";
import { axisText, measureParts, offsetOf, zoneText } from "./format";
import { flowOf, type GraphLink, linkPick, withoutCycles } from "./graph";
import { matrixOf } from "./Matrix";
import { placeLabels } from "./markers";
import { sparkPoints, thinned } from "./Sparkline";
import { withOpacity } from "./theme";
import { indexAt, nearestAt, stackedAt, timeSentence, timeTable } from "./timeSeries";
import { timeTicks } from "./timeTicks";
import { wholeIntervals } from "./useTimePointer";

describe("colours", () => {
  it("are the same for a name wherever it stands, and different within a chart", () => {
    const one = coloursOf(["tcp", "alpha", "beta", "gamma"]);
    const other = coloursOf(["gamma", "beta", "alpha", "tcp"]);
    expect([...one].sort()).toEqual([...other].sort());
    expect(new Set(one.values()).size).toBe(4);
  });
  it("keep c6 for other and red for rejected", () => {
    expect(colourOf("other")).toBe("c6");
    expect(colourOf("Rejected")).toBe("reject");
    const many = coloursOf(Array.from({ length: 40 }, (_, at) => `name ${at}`));
    expect([...many.values()]).not.toContain("c6");
    expect([...many.values()]).not.toContain("reject");
  });
  it("take an opacity", () => {
    expect(withOpacity("#fff", 0.5)).toBe("#ffffff80");
    expect(withOpacity("#2f7de1", 1)).toBe("#2f7de1ff");
  });
});

describe("labels above a plot", () => {
  const width = (text: string) => text.length * 6;
  it("stay apart when there is room", () => {
    const items = [0, 200].map((x) => ({ x, text: "Port scan", item: x }));
    expect(placeLabels(items, 0, 400, width).map((label) => label.text)).toEqual([
      "Port scan",
      "Port scan",
    ]);
  });
  it("become one when they would collide, also with one merged before", () => {
    const items = [100, 110, 120].map((x) => ({ x, text: "Port scan", item: x }));
    const [label, ...others] = placeLabels(items, 0, 400, width);
    expect(others).toEqual([]);
    expect(label?.text).toBe("Port scan +2");
    expect(label?.items).toEqual([100, 110, 120]);
  });
  it("are kept within the plot", () => {
    const [label] = placeLabels([{ x: 399, text: "Port scan", item: 1 }], 0, 400, width);
    expect((label?.x ?? 0) + (label?.width ?? 0) / 2).toBe(400);
  });
});

describe("bins", () => {
  it("are 1, 2, 5 over the range of the values", () => {
    expect(logEdges(0.8, 40)).toEqual([1, 2, 5, 10, 20, 50]);
    expect(logEdges(1, 1)).toEqual([1]);
    expect(logEdges(0, 10)).toEqual([]);
  });
  it("take a value at its edge, and what is above all in the last", () => {
    expect(binOf([1, 2, 5], 2)).toBe(1);
    expect(binOf([1, 2, 5], 2.1)).toBe(2);
    expect(binOf([1, 2, 5], 99)).toBe(2);
  });
  it("sum amounts by time and bin", () => {
    const cells = heatCells([0, 0, 60], [1, 0.5, 4], [10, 5, 1], [1, 5]);
    expect(cells).toEqual([
      { time_s: 0, edge: 1, amount: 15 },
      { time_s: 60, edge: 5, amount: 1 },
    ]);
  });
});

const link = (source: string, target: string, bytes: number, rejected = 0): GraphLink => ({
  source,
  target,
  bytes,
  records: 100,
  rejected,
});

describe("links of a sankey", () => {
  it("lose no link and have no cycle", () => {
    const links = [link("a", "b", 10), link("b", "c", 8), link("c", "a", 5), link("a", "a", 1)];
    const straight = withoutCycles(links);
    expect(straight.length).toBe(4);
    const changed = straight.filter((one) => one.target !== one.link.target);
    expect(changed.map((one) => one.link)).toEqual([links[2], links[3]]);
  });
  it("tell the rejected part apart and keep it visible", () => {
    const { links } = flowOf(
      { nodes: [], links: [link("a", "b", 1e12), link("c", "d", 10, 100)] },
      40,
    );
    const red = links.find((one) => one.rejected);
    expect(red?.source).toBe("c");
    expect(red?.value).toBeGreaterThan(1e9);
    expect(links.filter((one) => one.source === "c").length).toBe(1);
  });
  it("draw bytes of rejected records red, not their share of the records", () => {
    const many = { ...link("a", "b", 1000, 9), records: 10, rejected_bytes: 50 };
    const { links } = flowOf({ nodes: [], links: [many] }, 40);
    expect(links.map(({ rejected, value }) => [rejected, value])).toEqual([
      [false, 950],
      [true, 50],
    ]);
  });
  it("filter by the known end of a link only", () => {
    const internet = { id: "internet", kind: "internet", name: "Internet" };
    const web = { id: "eni-1", kind: "interface", name: "web", filter: "interface-id = eni-1" };
    const counts = { bytes: 1, records: 1, rejected: 0 };
    const nodes = [internet, web].map((node) => ({ ...node, ...counts }));
    const pick = linkPick(link("internet", "eni-1", 1), { nodes, links: [] }, undefined);
    expect([pick.value, pick.filter, pick.and[0]?.filter]).toEqual([
      null,
      undefined,
      "interface-id = eni-1",
    ]);
  });
  it("give nodes the bytes that pass them", () => {
    const { nodes } = flowOf({ nodes: [], links: [link("a", "b", 10), link("b", "c", 4)] }, 40);
    expect(nodes.find((node) => node.id === "b")?.bytes).toBe(10);
  });
});

describe("a matrix", () => {
  it("keeps rejected links though they have few bytes", () => {
    const links = [link("a", "x", 100), link("b", "x", 90), link("c", "x", 1, 50)];
    expect(matrixOf(links, 2).sources).toContain("c");
  });
});

describe("ticks", () => {
  it("stand on whole hours of the zone", () => {
    const start = Date.UTC(2026, 9, 14, 0, 10) / 1000;
    const labels = timeTicks(start, start + 6 * 3600, 8, "Asia/Kolkata").map((tick) => tick.label);
    expect(labels[0]).toBe("06:00");
  });
  it("name the day at midnight, also across a clock change", () => {
    const start = Date.UTC(2026, 9, 24) / 1000;
    const ticks = timeTicks(start, start + 3 * 86_400, 4, "Europe/Berlin");
    expect(ticks.map((tick) => tick.label)).toEqual(["Sun 25", "Mon 26", "Tue 27"]);
    expect((ticks[1]?.time_s ?? 0) - (ticks[0]?.time_s ?? 0)).toBe(25 * 3600);
    expect(offsetOf(start, "utc")).toBe(0);
  });
  it("name the month where days of the week would say little", () => {
    const start = Date.UTC(2026, 0, 1) / 1000;
    const labels = (days: number) =>
      timeTicks(start, start + days * 86_400, 6, "utc").map((tick) => tick.label);
    expect(labels(60)[1]).toMatch(/^[A-Z][a-z]{2} \d+$/);
    expect(labels(366)[1]).toMatch(/^[A-Z][a-z]{2} 2026$/);
  });
  it("come with the zone's name of that time, not of today", () => {
    const names = [0, 6].map((month) => zoneText("Europe/Berlin", Date.UTC(2026, month) / 1000));
    expect(names).toEqual(["GMT+1", "GMT+2"]);
  });
});

const chart = {
  times: [0, 60, 120],
  interval_s: 60,
  kind: "bytes" as const,
  zone: "utc",
  title: "Bytes",
  series: [
    { name: "Ingress", values: [10, 20, 30] },
    { name: "Rejected", values: [0, 40, 0] },
  ],
};

describe("a chart over time", () => {
  it("says total, largest, when and shares", () => {
    const text = timeSentence(chart);
    expect(text).toContain("Total 100 B; largest 60 B at 00:01");
    expect(text).toContain("Ingress 60 B (60.0%), Rejected 40 B (40.0%)");
  });
  it("says when there is nothing", () => {
    expect(timeSentence({ ...chart, times: [], series: [] })).toContain(
      "nothing in this time range",
    );
  });
  it("is a table too", () => {
    expect(timeTable(chart).rows[1]).toEqual([60, 20, 40]);
  });
  it("finds the series under a point", () => {
    expect(stackedAt(chart.series, 1, 15)).toBe(0);
    expect(stackedAt(chart.series, 1, 50)).toBe(1);
    expect(stackedAt(chart.series, 1, 61)).toBe(-1);
    expect(nearestAt(chart.series, 1, 33)).toBe(1);
  });
  it("widens a range to whole intervals, whichever way it was drawn", () => {
    expect(wholeIntervals(chart, 130, 61)).toEqual({ start_s: 60, end_s: 180 });
    expect(indexAt(chart.times, 60, -5)).toBe(0);
  });
});

describe("figures", () => {
  const base = { name: "x", label: "X" };
  it("tell shares in points, and whether the change is bad", () => {
    const share = { ...base, kind: "ratio" as const, value: 0.038, before: 0.012 };
    expect(changeOf({ ...share, direction: "up-bad" })).toEqual({ text: "+2.6 pts", tone: "bad" });
    expect(changeOf({ ...share, direction: "up-good" })?.tone).toBe("good");
    expect(changeOf(share)?.tone).toBe("flat");
  });
  it("tell nothing without a value before", () => {
    expect(changeOf({ ...base, kind: "bytes", value: 5 })).toBeNull();
    expect(changeOf({ ...base, kind: "bytes", value: 5, before: 0 })?.text).toBe("new");
    expect(changeOf({ ...base, kind: "bytes", value: 5, before: 5 })?.text).toBe("no change");
  });
  it("set the unit apart", () => {
    expect(measureParts(7.42e12, "bytes")).toEqual({ text: "7.42", unit: "TB" });
    expect(measureParts(2184, "count")).toEqual({ text: "2,184", unit: "" });
    expect(axisText(3e10, "bytes")).toBe("30 GB");
  });
});

describe("small things", () => {
  it("thins a long line without losing its mean", () => {
    const long = Array.from({ length: 360 }, (_, at) => at);
    const short = thinned(long);
    expect(short.length).toBe(36);
    expect(short.reduce((a, b) => a + b, 0) / 36).toBeCloseTo(179.5);
    expect(sparkPoints([0, 1], 72, 26)).toBe("0.0,24.0 72.0,3.0");
  });
  it("says what the first bar is", () => {
    const rows = [{ value: "22", name: "ssh", amount: 30, rejected: 15 }];
    expect(barsSentence({ rows, kind: "count", title: "Ports" })).toBe(
      "Ports: 1 rows. First is 22 (ssh) with 30, 100% of what is shown. 50.0% of it was rejected.",
    );
  });
});
