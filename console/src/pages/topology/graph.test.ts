import { describe, expect, it } from "vitest";
import type { GraphLink, GraphNode } from "../../api/schema";
import { networkOf } from "../../network/network";
import { keptLinks, linkFilter, peersOf, UNLISTED, withBoxes } from "./graph";

const node = (
  id: string,
  kind: GraphNode["kind"],
  parent: string | null,
  bytes = 10,
): GraphNode => ({
  id,
  kind,
  name: id,
  parent,
  layer: 0,
  bytes,
  packets: 1,
  records: 4,
  rejected: 1,
  members: 1,
  filter: kind === "interface" ? `interface-id = ${id}` : "",
});
const link = (source: string, target: string, total: number, rejected = 0): GraphLink => ({
  source,
  target,
  bytes: total,
  bytes_back: 0,
  total,
  packets: 1,
  records: 10,
  rejected,
  rejected_bytes: 0,
  dominant: "forward",
  in_sankey: true,
});
const network = networkOf({
  vpcs: [
    {
      vpc_id: "vpc-1",
      name: "prod",
      account_id: "1",
      region: "r",
      cidrs: ["10.0.0.0/16", "2001:db8::/56"],
      subnets: 1,
      interfaces: 2,
    },
  ],
  subnets: [
    {
      subnet_id: "subnet-1",
      name: "web",
      vpc_id: "vpc-1",
      zone: "z",
      cidrs: ["10.0.1.0/24"],
      public: null,
      network_acl_id: null,
      interfaces: 2,
    },
  ],
  interfaces: [
    {
      interface_id: "eni-b",
      name: "db",
      description: "",
      kind: "interface",
      account_id: "1",
      vpc_id: "vpc-1",
      subnet_id: "subnet-1",
      addresses: ["10.0.1.9", "2001:db8::9"],
      groups: [],
      instance_id: null,
      device: null,
      namespace: null,
      flow_logs: [],
    },
  ],
  names: {},
  interfaces_total: 1,
  next_page: null,
});
const nodes = [
  node("internet", "internet", null),
  node("eni-a", "interface", "subnet-1", 100),
  node("eni-b", "interface", "subnet-1", 50),
  node("eni-lost", "interface", null),
];

describe("withBoxes", () => {
  const drawn = withBoxes(nodes, network, "interface");
  const found = (id: string) => drawn.find((one) => one.id === id);
  it("puts interfaces into named subnets and VPCs that hold their sums", () => {
    expect(found("subnet-1")).toMatchObject({ name: "web", parent: "vpc-1", bytes: 150 });
    expect(found("vpc-1")).toMatchObject({ name: "prod", parent: null, bytes: 150, records: 8 });
    expect(found("vpc-1")?.filter).toBe("addr in (10.0.0.0/16, 2001:db8::/56)");
  });
  it("gives what no inventory knows a box of its own, and the Internet none", () => {
    expect(found("eni-lost")?.parent).toBe(UNLISTED);
    expect(found("internet")?.parent).toBeNull();
  });
});

describe("keptLinks", () => {
  const links = [link("internet", "eni-a", 9_990), link("eni-a", "eni-b", 8), link("x", "y", 2, 5)];
  it("keeps what has a share of the bytes or of the rejected", () => {
    const kept = keptLinks(links, 0.001);
    expect(kept.links.map((one) => one.source)).toEqual(["internet", "x"]);
    expect(kept.hidden).toBe(1);
  });
  it("keeps all of them without a share, and calls any rejected record red", () => {
    expect(keptLinks(links, 0)).toMatchObject({ hidden: 0, redFrom: 1 });
  });
});

describe("peersOf", () => {
  const drawn = withBoxes(nodes, network, "interface");
  const links = [
    link("internet", "eni-a", 5, 2),
    link("eni-a", "eni-b", 8),
    link("internet", "eni-b", 1),
  ];
  it("names the other ends, most bytes first", () => {
    expect(peersOf({ links }, drawn, "eni-a").map((one) => one.name)).toEqual([
      "eni-b",
      "internet",
    ]);
  });
  it("counts the links of all that is in a box, but not those within", () => {
    expect(peersOf({ links }, drawn, "vpc-1")).toEqual([
      { id: "internet", name: "internet", bytes: 6, records: 20, rejected: 2 },
    ]);
  });
});

describe("linkFilter", () => {
  const drawn = withBoxes(nodes, network, "interface");
  const one = (id: string) => {
    const found = drawn.find((other) => other.id === id);
    if (!found) throw new Error(id);
    return found;
  };
  it("asks for one interface's records with the addresses of the other", () => {
    expect(linkFilter(one("eni-a"), one("eni-b"), network)).toBe(
      "interface-id = eni-a and addr in (10.0.1.9, 2001:db8::9)",
    );
  });
  it("falls back to the end that has a filter", () => {
    expect(linkFilter(one("internet"), one("eni-a"), network)).toBe("interface-id = eni-a");
  });
});
