import { describe, expect, it } from "vitest";
import type { InterfaceShown } from "../../api/schema";
import { networkOf } from "../../network/network";
import { ruleFilter } from "./ruleFilter";

const bastion: InterfaceShown = {
  interface_id: "eni-b",
  name: "bastion",
  description: "",
  kind: "interface",
  account_id: "1",
  vpc_id: "vpc-1",
  subnet_id: "subnet-1",
  addresses: ["10.0.1.20", "2001:db8::20"],
  groups: ["sg-bastion"],
  instance_id: null,
  device: null,
  namespace: null,
  flow_logs: [],
};
const network = networkOf({
  vpcs: [],
  subnets: [],
  interfaces: [bastion],
  names: {},
  interfaces_total: 1,
  next_page: null,
});
const members = [{ interface_id: "eni-1" }];

describe("ruleFilter", () => {
  it("says interface, protocol, port and network", () => {
    const rule = { protocol: "tcp", ports: "443", peer: "0.0.0.0/0" };
    expect(ruleFilter(rule, members, network)).toBe(
      "interface-id = eni-1 and action = ACCEPT and protocol = 6 and port = 443 and addr in 0.0.0.0/0",
    );
  });
  it("says ranges of ports, and addresses of a group", () => {
    const rule = { protocol: "udp", ports: "5000-6000", peer: "sg-bastion" };
    expect(ruleFilter(rule, [...members, { interface_id: "eni-2" }], network)).toBe(
      "interface-id in (eni-1, eni-2) and action = ACCEPT and protocol = 17 and " +
        "port in (5000-6000) and addr in (10.0.1.20, 2001:db8::20)",
    );
  });
  it("leaves out what records do not hold: ICMP types, lists and unknown groups", () => {
    const rule = { protocol: "icmp", ports: "type 8", peer: "sg-other" };
    expect(ruleFilter(rule, [], network)).toBe("action = ACCEPT and protocol = 1");
    expect(ruleFilter({ protocol: "all", ports: "", peer: "pl-1" }, [], network)).toBe(
      "action = ACCEPT",
    );
  });
});
