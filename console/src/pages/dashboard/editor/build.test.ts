import { expect, test } from "vitest";
import type { DashboardPanel } from "../../../panels/document";
import { choicesOf, newPanel, parseQuery, queryText, withChoices, withKind } from "./build";

const panel = (): DashboardPanel => newPanel([]);

test("a split over time asks for groups in intervals, with the rest", () => {
  const made = withChoices(panel(), { measure: "packets", by: ["az-id"], top: 4 });
  expect(made.query).toEqual({
    question: "breakdown",
    filter: "",
    parameters: { by: "az-id", limit: 4, sort: "packets", interval: "auto", other: true },
  });
  expect(choicesOf(made)).toEqual({ measure: "packets", by: ["az-id"], top: 4 });
});

test("without a split a chart over time asks for the plain series", () => {
  const split = withChoices(panel(), { measure: "bytes", by: ["az-id"], top: 4 });
  const plain = withChoices(split, { measure: "bytes", by: [], top: 4 });
  expect(plain.query).toEqual({ question: "series", filter: "" });
});

test("another kind keeps the split where it can show it, and the panel's filter always", () => {
  const split = withChoices(
    { ...panel(), query: { question: "series", filter: "action = REJECT" } },
    { measure: "bytes", by: ["dstport"], top: 5 },
  );
  const bars = withKind(split, "bars");
  expect(bars.query?.parameters).toEqual({ by: "dstport", limit: 5, sort: "bytes" });
  const map = withKind(bars, "map");
  expect(map.query).toEqual({ question: "countries", filter: "action = REJECT" });
  expect(withKind(map, "area").query?.filter).toBe("action = REJECT");
});

test("a new panel stands below the others and has an id of its own", () => {
  const first = { ...panel(), id: "p2", grid: { x: 0, y: 3, w: 6, h: 8 } };
  const made = newPanel([first]);
  expect(made.grid.y).toBe(11);
  expect(made.id).not.toBe("p2");
});

test("a question is read back as it was written", () => {
  const query = {
    question: "breakdown",
    parameters: { by: "srcaddr,dstport", limit: 7, other: true },
  };
  expect(parseQuery(queryText(query))).toEqual(query);
});

test("a line that is no parameter is named", () => {
  expect(() => parseQuery("ports\nlimit ten")).toThrow("limit ten");
  expect(() => parseQuery("")).toThrow("name of a question");
});
