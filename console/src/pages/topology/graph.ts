/** The graph of the API with the VPCs and subnets around it, and without what is too small. */
import type { Graph, GraphLink, GraphNode } from "../../api/schema";
import type { GraphNode as DrawnNode } from "../../charts/graph";
import { cidrFilter, type Network } from "../../network/network";

export type Level = "vpc" | "subnet" | "interface";

/** The box of what no inventory knows. */
export const UNLISTED = "unlisted";

/** Nodes with the boxes that they stand in, which are made from the inventory. */
export function withBoxes(
  nodes: readonly GraphNode[],
  network: Network,
  level: Level,
): DrawnNode[] {
  if (level === "vpc") return nodes.map((node) => ({ ...node, note: cidrsOf(network, node.id) }));
  const kind = level;
  const shown: DrawnNode[] = nodes.map((node) => ({
    ...node,
    parent: node.kind === kind ? (node.parent ?? UNLISTED) : null,
    note: noteOf(network, node),
    filter: node.filter || cidrFilter(network.subnets.get(node.id)?.cidrs ?? []),
  }));
  const boxes = new Map<string, DrawnNode>();
  const put = (id: string, of: DrawnNode) => {
    const box = boxes.get(id) ?? emptyBox(id, network);
    boxes.set(id, {
      ...box,
      bytes: box.bytes + of.bytes,
      records: box.records + of.records,
      rejected: box.rejected + of.rejected,
    });
    return box.parent;
  };
  for (const node of shown) {
    const parent = node.parent ? put(node.parent, node) : null;
    if (parent) put(parent, node);
  }
  return [...shown, ...boxes.values()];
}

function emptyBox(id: string, network: Network): DrawnNode {
  const base = { id, bytes: 0, records: 0, rejected: 0, filter: "" };
  if (id === UNLISTED) return { ...base, kind: "vpc", name: "Not in the inventory", parent: null };
  const subnet = network.subnets.get(id);
  if (subnet) {
    const { name, cidrs, vpc_id } = subnet;
    const filter = cidrFilter(cidrs);
    return { ...base, kind: "subnet", name, parent: vpc_id, note: cidrs[0], filter };
  }
  const vpc = network.vpcs.get(id);
  const cidrs = vpc?.cidrs ?? [];
  const filter = cidrFilter(cidrs);
  return { ...base, kind: "vpc", name: vpc?.name ?? id, parent: null, note: cidrs[0], filter };
}

const cidrsOf = (network: Network, id: string): string | undefined =>
  network.vpcs.get(id)?.cidrs[0] ?? network.subnets.get(id)?.cidrs[0];

function noteOf(network: Network, node: GraphNode): string | undefined {
  return cidrsOf(network, node.id) ?? network.interfaces.get(node.id)?.addresses[0];
}

export interface Kept {
  links: GraphLink[];
  /** Links that are too small to be drawn. */
  hidden: number;
  /** Rejected records from which a link is red. */
  redFrom: number;
}

/** Links with at least a share of all bytes, or of all rejected records. */
export function keptLinks(links: readonly GraphLink[], share: number): Kept {
  const bytes = links.reduce((sum, link) => sum + link.total, 0);
  const rejected = links.reduce((sum, link) => sum + link.rejected, 0);
  const redFrom = Math.max(1, rejected * share);
  const kept = links.filter((link) => link.total >= bytes * share || link.rejected >= redFrom);
  return { links: kept, hidden: links.length - kept.length, redFrom };
}

/** The ids of a node and of all that lies in it. */
export function withinOf(nodes: readonly DrawnNode[], id: string): Set<string> {
  const own = new Set([id]);
  for (let round = 0; round < 2; round += 1)
    for (const node of nodes) if (node.parent && own.has(node.parent)) own.add(node.id);
  return own;
}

export interface Peer {
  id: string;
  name: string;
  bytes: number;
  records: number;
  rejected: number;
}

/** Who a node talks with, most bytes first; what talks within a box is not its peer. */
export function peersOf(
  graph: Pick<Graph, "links">,
  nodes: readonly DrawnNode[],
  id: string,
): Peer[] {
  const own = withinOf(nodes, id);
  const names = new Map(nodes.map((node) => [node.id, node.name]));
  const found = new Map<string, Peer>();
  for (const link of graph.links) {
    const [source, target] = [own.has(link.source), own.has(link.target)];
    if (source === target) continue;
    const other = source ? link.target : link.source;
    const peer = found.get(other) ?? {
      id: other,
      name: names.get(other) ?? other,
      bytes: 0,
      records: 0,
      rejected: 0,
    };
    peer.bytes += link.total;
    peer.records += link.records;
    peer.rejected += link.rejected;
    found.set(other, peer);
  }
  return [...found.values()].sort((a, b) => b.bytes - a.bytes || b.rejected - a.rejected);
}

/** The filter of what went between two nodes. Shape: empty where neither end says one. */
export function linkFilter(source: DrawnNode, target: DrawnNode, network: Network): string {
  const own = [source, target].find((node) => node.kind === "interface") ?? source;
  const other = own === source ? target : source;
  const addresses = network.interfaces.get(other.id)?.addresses ?? [];
  const there = addresses.length > 0 ? cidrFilterOf(addresses) : (other.filter ?? "");
  return [own.filter, there === own.filter ? "" : there].filter(Boolean).join(" and ");
}

function cidrFilterOf(addresses: readonly string[]): string {
  const [first, ...more] = addresses;
  return more.length ? `addr in (${addresses.join(", ")})` : `addr = ${first}`;
}
