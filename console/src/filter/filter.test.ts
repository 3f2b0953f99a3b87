import { describe, expect, test } from "vitest";
import { finished, inserted, suggestFields, suggestOperators, typingOf } from "./completion";
import { chipText, joinTerms, partsOf, splitTerms, wordsOf } from "./terms";

describe("parts of a filter", () => {
  test("split at the outermost and, not in parentheses nor in quotes", () => {
    expect(splitTerms('srcport in (1, 2) and (a = 1 and b = 2) && name = "x and y"')).toEqual([
      "srcport in (1, 2)",
      "(a = 1 and b = 2)",
      'name = "x and y"',
    ]);
    expect(splitTerms("  ")).toEqual([]);
  });

  test("an outermost or stays one part, in parentheses once others join it", () => {
    const either = "a = 1 and b = 2 or c = 3";
    expect(splitTerms(either)).toEqual([either]);
    expect(joinTerms([either, "d = 4"])).toBe(`(${either}) and d = 4`);
    expect(splitTerms(joinTerms([either, "d = 4"]))).toEqual([`(${either})`, "d = 4"]);
  });

  test("words keep their places, quotes without an end run on", () => {
    expect(wordsOf('a != "b c').map((word) => [word.value, word.start])).toEqual([
      ["a", 0],
      ["!=", 2],
      ['"b c', 5],
    ]);
  });

  test("chips are written so that they can be read back", () => {
    expect(chipText({ field: "action", operator: "=", value: "REJECT" })).toBe("action = REJECT");
    expect(chipText({ field: "dstport", operator: "=", value: 22, negated: true })).toBe(
      "dstport != 22",
    );
    expect(chipText({ field: "reject-rule", operator: "=", value: 'a "b"' })).toBe(
      'reject-rule = "a \\"b\\""',
    );
    expect(chipText({ field: "vpc-id", operator: "=", value: null, negated: true })).toBe(
      "vpc-id is not null",
    );
    expect(chipText({ field: "port", operator: "in", value: [1, "and"] })).toBe(
      'port in (1, "and")',
    );
    expect(chipText({ field: "srcaddr", operator: "in", value: "10.0.0.0/8", negated: true })).toBe(
      "not srcaddr in 10.0.0.0/8",
    );
  });

  test("negated parts are drawn with not", () => {
    expect(partsOf("dstport != 123")).toEqual({ negated: true, field: "dstport", rest: "= 123" });
    expect(partsOf("not srcaddr in 10.0.0.0/8")).toEqual({
      negated: true,
      field: "srcaddr",
      rest: "in 10.0.0.0/8",
    });
    expect(partsOf("(a = 1 or b = 2)").field).toBe("");
  });
});

describe("completion", () => {
  const fields = [
    { name: "srcaddr", kind: "address", label: "Source address" },
    { name: "pkt-srcaddr", kind: "address", label: "Packet source" },
    { name: "bytes", kind: "bytes", label: "Bytes" },
  ];

  test("knows what comes next", () => {
    const stages = ["", "src", "srcaddr ", "srcaddr in", "srcaddr in ", "srcaddr in (", "a = 1 "];
    expect(stages.map((text) => typingOf(text).stage)).toEqual([
      "field",
      "field",
      "operator",
      "operator",
      "value",
      "value",
      "join",
    ]);
    expect(typingOf("a = 1 and b not in (1, 2").operator).toBe("not in");
    expect(typingOf("a in (1, 2) ").stage).toBe("join");
    expect(typingOf("a is not null").stage).toBe("operator");
  });

  test("puts the choice in the place of what was typed", () => {
    const text = "bytes > 1 and src";
    const choice = suggestFields(fields, "src")[0];
    expect(choice?.label).toBe("srcaddr");
    expect(choice && inserted(text, typingOf(text), choice)).toBe("bytes > 1 and srcaddr ");
    expect(suggestFields(fields, "source").map((one) => one.label)).toEqual([
      "srcaddr",
      "pkt-srcaddr",
    ]);
  });

  test("offers the operators of the field's kind", () => {
    expect(suggestOperators(fields[0], "").map((one) => one.label)).not.toContain(">");
    expect(suggestOperators(fields[2], ">").map((one) => one.label)).toEqual([">", ">="]);
  });

  test("closes what was left open", () => {
    expect(finished("dstport in (22, 3389, ")).toBe("dstport in (22, 3389)");
    expect(finished('a = "("')).toBe('a = "("');
  });
});
