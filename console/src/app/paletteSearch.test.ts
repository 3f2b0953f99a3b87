import { describe, expect, it } from "vitest";
import { lookups } from "./paletteSearch";

const ways = (typed: string) => lookups(typed).map(({ path, filter }) => [path, filter ?? ""]);

describe("what is typed into the palette", () => {
  it("an address leads to its records, its interface and the rules", () => {
    expect(ways(" 10.0.1.10 ")).toEqual([
      ["/explore", "addr = 10.0.1.10"],
      ["/live", "addr = 10.0.1.10"],
      ["/interfaces?search=10.0.1.10", ""],
      ["/explain?destination=10.0.1.10", ""],
    ]);
    expect(ways("2001:db8::1")[0]).toEqual(["/explore", "addr = 2001:db8::1"]);
  });

  it("a network leads to records within it", () => {
    expect(ways("10.0.0.0/16")).toEqual([
      ["/explore", "addr in 10.0.0.0/16"],
      ["/live", "addr in 10.0.0.0/16"],
    ]);
  });

  it("ids lead to their pages, a port to its records", () => {
    expect(ways("eni-0abc123")[0]).toEqual(["/interfaces?interface=eni-0abc123", ""]);
    expect(ways("sg-0abc123")).toEqual([["/security-groups/sg-0abc123", ""]]);
    expect(ways("fl-0abc123")).toEqual([["/flow-logs/fl-0abc123", ""]]);
    expect(ways("443")).toEqual([["/explore", "port = 443"]]);
  });

  it.each(["", "live", "99999999", "10.0", "eni-xyz"])("%j is none of these", (typed) => {
    expect(lookups(typed)).toEqual([]);
  });
});
