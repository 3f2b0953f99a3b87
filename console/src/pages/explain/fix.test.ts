import { describe, expect, it } from "vitest";
import type { Explained, StepShown } from "../../api/schema";
import { fixCommand, sentenceOf } from "./fix";

const explained = (step: Partial<StepShown>, summary = ""): Explained => ({
  flow: "",
  verdict: "reject",
  summary,
  source_interface_id: null,
  destination_interface_id: "eni-1",
  refused_at: 0,
  steps: [
    {
      leg: "request",
      interface_id: "eni-1",
      interface_name: "web",
      direction: "ingress",
      station: "security-group",
      verdict: "reject",
      rule: "sg-1",
      rule_name: "web",
      reason: "",
      needed: "",
      reached: true,
      ...step,
    },
  ],
  fix: "",
  notes: [],
});
const command = (step: Partial<StepShown>) => fixCommand(explained(step))?.replace(/ \\\n /g, "");

describe("fixCommand", () => {
  it("adds a rule to the group that refused", () => {
    expect(command({ needed: "a rule for ingress of tcp 22, source 198.51.100.9" })).toBe(
      "aws ec2 authorize-security-group-ingress --group-id sg-1 " +
        "--ip-permissions 'IpProtocol=tcp,FromPort=22,ToPort=22,IpRanges=[{CidrIp=198.51.100.9/32}]'",
    );
  });
  it("takes the first of several groups, and IPv6 as it is", () => {
    const step = {
      rule: "sg-1a+2",
      needed: "a rule for egress of udp 53, destination 2001:db8::2 in one of them",
    };
    expect(command(step)).toBe(
      "aws ec2 authorize-security-group-egress --group-id sg-1a " +
        "--ip-permissions 'IpProtocol=udp,FromPort=53,ToPort=53,Ipv6Ranges=[{CidrIpv6=2001:db8::2/128}]'",
    );
  });
  it("gives ICMP its type and any code, and other protocols no ports", () => {
    expect(command({ needed: "a rule for ingress of icmp type 8, source 10.0.0.1" })).toContain(
      "IpProtocol=icmp,FromPort=8,ToPort=-1,",
    );
    expect(command({ needed: "a rule for ingress of 47, source 10.0.0.1" })).toContain(
      "'IpProtocol=47,IpRanges",
    );
  });
  it("puts an entry of an ACL before the one that denies", () => {
    const step = {
      station: "network-acl" as const,
      rule: "acl-1/90",
      needed: "an entry that allows, for egress of tcp 1024-65535, destination 10.0.1.10, below 90",
    };
    expect(command(step)).toBe(
      "aws ec2 create-network-acl-entry --network-acl-id acl-1 --egress --rule-number 89 " +
        "--protocol 6 --rule-action allow --port-range From=1024,To=65535 --cidr-block 10.0.1.10/32",
    );
  });
  it("gives none where nothing is refused or nothing is said to be needed", () => {
    expect(fixCommand({ ...explained({}), refused_at: null })).toBeUndefined();
    expect(command({ needed: "" })).toBeUndefined();
  });
});

describe("sentenceOf", () => {
  it("drops the verdict's word, which stands beside it", () => {
    expect(sentenceOf(explained({}, "REJECT: the request is refused at web"))).toBe(
      "The request is refused at web.",
    );
  });
});
