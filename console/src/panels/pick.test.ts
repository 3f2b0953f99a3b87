import { expect, test } from "vitest";
import { filterOfPick } from "./pick";

test.each([
  [{ field: "address", value: "2001:db8::1" }, "addr = 2001:db8::1"],
  [{ field: "interface_id", value: "eni-1" }, "interface-id = eni-1"],
  [{ field: "port", value: 22 }, "port = 22"],
  [{ field: "class", value: "rejected" }, "action = REJECT"],
  [{ field: "rule", value: "sgr-1" }, "reject-rule = sgr-1"],
])("what is clicked becomes a filter: %j", (pick, text) => {
  expect(filterOfPick(pick)).toBe(text);
});

test("both ends of a click hold, and the server's own words go first", () => {
  const both = {
    field: "srcaddr",
    value: "10.0.0.1",
    and: [{ field: "dstaddr", value: "10.0.0.2" }],
  };
  expect(filterOfPick(both)).toBe("srcaddr = 10.0.0.1 and dstaddr = 10.0.0.2");
  expect(filterOfPick({ field: "x", value: "y", filter: "vpc-id = vpc-1" })).toBe("vpc-id = vpc-1");
});

test("what no record can be found by gives no filter", () => {
  expect(filterOfPick({ field: "class", value: "internal" })).toBeUndefined();
  expect(filterOfPick({ field: "srcaddr", value: "other" })).toBeUndefined();
  expect(filterOfPick({ field: "country", value: "DE" })).toBeUndefined();
});
