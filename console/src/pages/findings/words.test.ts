import { describe, expect, it } from "vitest";
import type { Finding } from "../../api/findings";
import { mute, unmute } from "../../state/muted";
import { chosenFindings, findingLink, spanAround, spanOf } from "./words";

const finding: Finding = {
  id: "burst-1",
  severity: "high",
  kind: "rejected-burst",
  title: "Port scan",
  evidence: "10 rejected",
  start_s: 100_000,
  end_s: 101_200,
  filter: "action = REJECT",
  interface_id: "",
  flow_log_id: "",
  next: "look",
};

describe("findings", () => {
  it("are looked at with some of what was before and after", () => {
    expect(spanOf(finding)).toEqual({ start: 100_000, end: 101_200 });
    expect(spanAround(finding)).toEqual({ start: 97_560, end: 103_620 });
    expect(spanAround({ ...finding, start_s: null })).toBeUndefined();
    expect(spanOf({ ...finding, end_s: null })).toEqual({ start: 100_000, end: 100_060 });
  });

  it("lead to their records in their time", () => {
    const to = new URL(findingLink("/explore", finding), "http://localhost");
    expect(Object.fromEntries(to.searchParams)).toEqual({
      filter: "action = REJECT",
      start: "97560",
      end: "103620",
    });
  });

  it("are chosen by severity and kind", () => {
    const low: Finding = { ...finding, id: "2", severity: "low", kind: "disk" };
    expect(chosenFindings([finding, low], "", "")).toHaveLength(2);
    expect(chosenFindings([finding, low], "low", "")).toEqual([low]);
    expect(chosenFindings([finding, low], "low", "rejected-burst")).toEqual([]);
  });

  it("are muted in this browser until they say something else", () => {
    mute(finding);
    const kept = JSON.parse(localStorage.getItem("vpcflow.muted") ?? "{}");
    expect(kept["burst-1"].evidence).toBe("10 rejected");
    unmute("burst-1");
    expect(JSON.parse(localStorage.getItem("vpcflow.muted") ?? "{}")).toEqual({});
  });
});
