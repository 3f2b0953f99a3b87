import { useMemo } from "react";
import { type Asked, useRangeJson } from "../../api/hooks";
import type { Graph, GraphLink } from "../../api/schema";
import type { GraphNode } from "../../charts/graph";
import { type Network, useNetwork } from "../../network/network";
import { setParams, useUrlParam } from "../../state/location";
import { type Kept, keptLinks, type Level, withBoxes } from "./graph";

/** Nodes of one picture; the server joins the smallest beyond it. */
const NODES_MAX = 500;

/** More links than this are a cloud: at first those under a share, in percent, are hidden. */
const LINKS_CLEAR_MAX = 300;
const LEAST_OF_MANY = "0.1";

export interface Topology {
  asked: Asked<Graph>;
  network: Network;
  level: Level;
  least: string;
  nodes: GraphNode[];
  kept: Kept;
  /** The node or link that is looked at; both undefined for none. */
  node: GraphNode | undefined;
  link: GraphLink | undefined;
  select: (what: { node?: string; link?: GraphLink } | null) => void;
  setLevel: (level: string) => void;
}

/** The network in the page's range and filter, and what of it is chosen in the address. */
export function useTopology(): Topology {
  const [asking, setLevelText] = useUrlParam("level", "interface");
  const level: Level = asking === "vpc" || asking === "subnet" ? asking : "interface";
  const [chosen] = useUrlParam("node", "");
  const asked = useRangeJson<Graph>("/graph", { level, limit: NODES_MAX });
  const { network } = useNetwork();
  const graph = asked.data;
  const many = (graph?.links.length ?? 0) > LINKS_CLEAR_MAX;
  const [least] = useUrlParam("least", many ? LEAST_OF_MANY : "0");
  const nodes = useMemo(
    () => (graph ? withBoxes(graph.nodes, network, graph.level as Level) : []),
    [graph, network],
  );
  const kept = useMemo(
    () => keptLinks(graph?.links ?? [], Math.max(0, Number(least) || 0) / 100),
    [graph, least],
  );
  const [first = "", second] = chosen.split("~");
  const node = second ? undefined : nodes.find((one) => one.id === first);
  const link = second
    ? graph?.links.find((one) => one.source === first && one.target === second)
    : undefined;
  return {
    asked,
    network,
    level,
    least,
    nodes,
    kept,
    node,
    link,
    select: (what) => {
      const text = what?.link ? `${what.link.source}~${what.link.target}` : (what?.node ?? null);
      setParams({ node: text }, { replace: true });
    },
    setLevel: (next) => {
      setParams({ node: null, least: null }, { replace: true });
      setLevelText(next);
    },
  };
}
