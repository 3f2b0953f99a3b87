/** The graph of the API, and what a sankey needs of it: no cycles, no link too thin to see. */
import type { ChartTable, OnPick } from "./answer";
import { bytesText, countText, shareText } from "./format";

export interface GraphNode {
  id: string;
  kind: string;
  name: string;
  parent?: string | null;
  bytes: number;
  records: number;
  rejected: number;
  /** Its column in a sankey, from 0 at the left. */
  layer?: number;
  /** Finds its records, in the filter language. */
  filter?: string;
  /** What is said beside its name: a network, an address. */
  note?: string;
}

export interface GraphLink {
  source: string;
  target: string;
  bytes: number;
  /** Bytes both ways; the bytes of the link when it is left out. */
  total?: number;
  packets?: number;
  records: number;
  rejected: number;
  /** Of `total`, the bytes of rejected records; few, where many were rejected. */
  rejected_bytes?: number;
  /** False where a sankey has no place for it. */
  in_sankey?: boolean;
}

/** Bytes of a link, both ways where they are known. */
export const sizeOf = (link: GraphLink): number => link.total ?? link.bytes;

export interface Graph {
  nodes: readonly GraphNode[];
  links: readonly GraphLink[];
}

export interface GraphProps extends Graph {
  title: string;
  /** How many links are drawn at most. */
  limit?: number;
  onPick?: OnPick;
  /** The fields that a click on a link filters by; by default the names of the API's levels. */
  fields?: { source: string; target: string };
}

export interface FlowLink {
  source: string;
  target: string;
  /** The width, with the least that can be seen. */
  value: number;
  rejected: boolean;
  link: GraphLink;
}

export interface FlowNode {
  id: string;
  node: GraphNode;
  /** A second place of a node, for what flows back to it. */
  again: boolean;
  bytes: number;
}

const LEAST_SHARE = 0.004;
const AGAIN = "\u0000again";

/** The links that are drawn: the largest, and the most rejected ones. */
export function drawnLinks(links: readonly GraphLink[], limit: number): GraphLink[] {
  const red = [...links]
    .filter((link) => link.rejected > 0)
    .sort((one, other) => other.rejected - one.rejected)
    .slice(0, Math.ceil(limit / 5));
  const largest = [...links].sort((one, other) => sizeOf(other) - sizeOf(one));
  return [...new Set([...red, ...largest])].slice(0, limit).sort((a, b) => sizeOf(b) - sizeOf(a));
}

/** Links with targets changed so that no path leads back: the smaller link of a cycle gives way. */
export function withoutCycles(links: readonly GraphLink[]): { link: GraphLink; target: string }[] {
  const next = new Map<string, Set<string>>();
  const reaches = (from: string, to: string): boolean => {
    const seen = new Set<string>([from]);
    const open = [from];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      if (at === to) return true;
      for (const step of next.get(at) ?? []) {
        if (seen.has(step)) continue;
        seen.add(step);
        open.push(step);
      }
    }
    return false;
  };
  return [...links]
    .sort((one, other) => sizeOf(other) - sizeOf(one))
    .map((link) => {
      if (reaches(link.target, link.source)) return { link, target: link.target + AGAIN };
      const targets = next.get(link.source) ?? new Set<string>();
      next.set(link.source, targets.add(link.target));
      return { link, target: link.target };
    });
}

/** Nodes and links of a sankey. A link with rejects is two: accepted, and rejected in red. */
export function flowOf(graph: Graph, limit: number): { nodes: FlowNode[]; links: FlowLink[] } {
  const straight = withoutCycles(
    drawnLinks(
      graph.links.filter((link) => link.in_sankey !== false),
      limit,
    ),
  );
  const total = straight.reduce((sum, { link }) => sum + sizeOf(link), 0) || 1;
  const least = total * LEAST_SHARE;
  const links: FlowLink[] = [];
  for (const { link, target } of straight) {
    const red = Math.min(link.rejected_bytes ?? 0, sizeOf(link));
    const base = { source: link.source, target, link };
    if (link.rejected < link.records)
      links.push({ ...base, value: Math.max(sizeOf(link) - red, least), rejected: false });
    if (link.rejected > 0) links.push({ ...base, value: Math.max(red, least), rejected: true });
  }
  return { nodes: nodesOf(graph, links), links };
}

function nodesOf(graph: Graph, links: readonly FlowLink[]): FlowNode[] {
  const known = new Map(graph.nodes.map((node) => [node.id, node]));
  const found = new Map<string, FlowNode>();
  for (const id of links.flatMap((link) => [link.source, link.target])) {
    if (found.has(id)) continue;
    const plain = id.replace(AGAIN, "");
    const node = known.get(plain) ?? unknownNode(plain);
    const through = new Set(links.filter((l) => l.source === id || l.target === id));
    const ways = (side: "source" | "target") => {
      const mine = new Set([...through].filter((l) => l[side] === id).map((l) => l.link));
      return [...mine].reduce((sum, link) => sum + sizeOf(link), 0);
    };
    const bytes = Math.max(ways("source"), ways("target"));
    found.set(id, { id, node, again: plain !== id, bytes });
  }
  return [...found.values()];
}

const unknownNode = (id: string): GraphNode => ({
  id,
  kind: "host",
  name: id,
  bytes: 0,
  records: 0,
  rejected: 0,
});

export function linkText(link: GraphLink, names: ReadonlyMap<string, string>): string {
  const red = link.rejected > 0 ? `, ${countText(link.rejected)} records rejected` : "";
  const source = names.get(link.source) ?? link.source;
  return `${source} to ${names.get(link.target) ?? link.target}, ${bytesText(sizeOf(link))}${red}`;
}

export const namesOf = (graph: Graph): Map<string, string> =>
  new Map(graph.nodes.map((node) => [node.id, node.name || node.id]));

export function graphSentence({ nodes, links, title, limit = 40 }: GraphProps): string {
  if (links.length === 0) return `${title}. There is nothing in this time range.`;
  const total = links.reduce((sum, link) => sum + sizeOf(link), 0);
  const records = links.reduce((sum, link) => sum + link.records, 0);
  const rejected = links.reduce((sum, link) => sum + link.rejected, 0);
  const first = drawnLinks(links, 1)[0] ?? links[0];
  const largest = [...links].sort((one, other) => sizeOf(other) - sizeOf(one))[0] ?? first;
  const names = namesOf({ nodes, links });
  const red = rejected > 0 ? ` ${shareText(rejected / (records || 1))} of records rejected.` : "";
  const left = links.length > limit ? ` The ${links.length - limit} smallest are not drawn.` : "";
  const most = largest ? ` Largest: ${linkText(largest, names)}.` : "";
  return `${title}: ${links.length} links, ${bytesText(total)}.${most}${red}${left}`;
}

export function graphTable({ nodes, links }: Graph): ChartTable {
  const names = namesOf({ nodes, links });
  return {
    columns: [
      { name: "source", kind: "text", label: "Source" },
      { name: "target", kind: "text", label: "Destination" },
      { name: "bytes", kind: "bytes", label: "Bytes" },
      { name: "records", kind: "count", label: "Records" },
      { name: "rejected", kind: "count", label: "Rejected" },
    ],
    rows: [...links]
      .sort((one, other) => sizeOf(other) - sizeOf(one))
      .map((link) => [
        names.get(link.source) ?? link.source,
        names.get(link.target) ?? link.target,
        sizeOf(link),
        link.records,
        link.rejected,
      ]),
  };
}

const FIELD_OF: Record<string, [source: string, target: string]> = {
  vpc: ["vpc_id", "vpc_id"],
  subnet: ["subnet_id", "subnet_id"],
  interface: ["interface_id", "interface_id"],
};

/** The filter of a node: its own kind's field, an address for hosts. */
export function nodePick(node: GraphNode, fields: GraphProps["fields"], end: "source" | "target") {
  const own = FIELD_OF[node.kind]?.[end === "source" ? 0 : 1];
  const field = own ?? fields?.[end] ?? (end === "source" ? "srcaddr" : "dstaddr");
  // What stands for many, such as the Internet, is no address: nothing is filtered by it.
  const value = own || node.kind === "host" ? node.id : null;
  return { field, value, label: node.name, filter: node.filter || undefined };
}

/** The filter of a link: what is known of its two ends. */
export function linkPick(link: GraphLink, graph: Graph, fields: GraphProps["fields"]) {
  const node = (id: string) => graph.nodes.find((one) => one.id === id) ?? unknownNode(id);
  const source = nodePick(node(link.source), fields, "source");
  const target = nodePick(node(link.target), fields, "target");
  return { ...source, and: [target] };
}
