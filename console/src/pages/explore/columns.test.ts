import { expect, test } from "vitest";
import { fieldsToAsk, grouped, moved, namesIn } from "./columns";

const FIELDS = [
  { name: "start", kind: "time", group: "Version 2", label: "Start", summary: "When" },
  { name: "region", kind: "text", group: "Version 4", label: "Region", present: false },
  { name: "az-id", kind: "text", group: "Version 4", label: "Zone", present: true },
  { name: "addr", kind: "address", group: "Either end" },
];

test("column lists take both spellings and lose repeats and nonsense", () => {
  expect(namesIn("start,src_addr, start,<script>,az-id")).toEqual(["start", "src-addr", "az-id"]);
});

test("what is asked holds the key of a record, and no field that the server does not know", () => {
  expect(fieldsToAsk(["az-id", "gone"], FIELDS)).toBe("az-id,start");
  expect(fieldsToAsk(["az-id"], [])).toContain("interface-id");
});

test("moving keeps every entry", () => {
  expect(moved(["a", "b", "c"], 0, 2)).toEqual(["b", "c", "a"]);
  expect(moved(["a", "b", "c"], 2, -5)).toEqual(["c", "a", "b"]);
  expect(moved(["a"], 4, 0)).toEqual(["a"]);
});

test("fields come by group, those without values last; either-end fields are no columns", () => {
  const found = grouped(FIELDS, "");
  expect(found.map(({ group }) => group)).toEqual(["Version 2", "Version 4"]);
  expect(found[1]?.fields.map(({ name }) => name)).toEqual(["az-id", "region"]);
  expect(grouped(FIELDS, "zone").flatMap((one) => one.fields)).toHaveLength(1);
});
