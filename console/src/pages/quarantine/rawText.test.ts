import { expect, test } from "vitest";
import { rawParts } from "./rawText";

const written = (text: string) =>
  rawParts(text)
    .map((part) => (part.control ? `<${part.text}>` : part.text))
    .join("");

test("what would not be seen is written out", () => {
  expect(written("2 eni-1\t10.0.0.1\u001b[31m\u0000\u0085")).toBe(
    "2 eni-1<\\t>10.0.0.1<\\x1b>[31m<\\0><\\x85>",
  );
  expect(written("a\u202eb\u200bc\ufeff\u2028")).toBe("a<\\u202e>b<\\u200b>c<\\ufeff><\\u2028>");
});

test("plain text, emoji and markup stay as they are", () => {
  expect(rawParts("<script>alert(1)</script> é 漢 😀")).toEqual([
    { text: "<script>alert(1)</script> é 漢 😀", control: false },
  ]);
  expect(rawParts("")).toEqual([]);
});
