import type { ECharts, EChartsCoreOption } from "echarts/core";
import { useCallback, useMemo, useRef, useState } from "react";
import { coloursOf, type Token } from "./colours";
import { DrillList } from "./DrillList";
import { EChart, escaped, tooltipHead, tooltipLine, tooltipOf } from "./EChart";
import { bytesText, countText } from "./format";
import {
  type FlowLink,
  type FlowNode,
  flowOf,
  type GraphProps,
  graphSentence,
  linkPick,
  linkText,
  namesOf,
  nodePick,
  sizeOf,
} from "./graph";
import { FONT, type Theme } from "./theme";

const LIMIT = 40;
/** Widths in a label: a letter of a name; the node with its gaps; its bytes. */
const LETTER_PX = 7;
const NODE_PX = 26;
const BYTES_PX = 58;
/** With room for so many letters and the bytes, inner columns show both. */
const LONG_NAME = 20;
/** The height that all gaps of a column may take together. */
const NODE_GAPS_PX = 230;
/** ECharts knows nodes by name; ids are shown nowhere. */
const KIND_COLOURS: Record<string, Token> = { internet: "c6", service: "c3", network: "c6" };

/** Who sends to whom, left to right; rejected traffic is a red link of its own. */
export function Sankey(props: GraphProps) {
  const { nodes, links, limit = LIMIT, fields, onPick } = props;
  const [width, setWidth] = useState(640);
  const flow = useMemo(() => flowOf({ nodes, links }, limit), [nodes, links, limit]);
  const option = useCallback((theme: Theme) => sankeyOption(theme, flow, width), [flow, width]);
  const names = useMemo(() => namesOf({ nodes, links }), [nodes, links]);
  const picked = useRef<(params: ClickParams) => void>(() => {});
  picked.current = (params) => {
    const pick = pickOf(params, props);
    if (pick) onPick?.(pick);
  };
  const connect = (chart: ECharts | null) =>
    chart?.on("click", (params) => picked.current(params as unknown as ClickParams));
  const drawn = [...new Set(flow.links.map((link) => link.link))];
  return (
    <div className="chart chart-graph">
      <EChart
        option={option}
        sentence={graphSentence({ ...props, limit })}
        onChart={connect}
        onDrawn={(chart) => setWidth(chart.getWidth())}
      />
      <DrillList
        label={`Links of ${props.title}`}
        items={drawn.map((link) => ({
          key: `${link.source} ${link.target}`,
          text: linkText(link, names),
          onPick: () => onPick?.(linkPick(link, { nodes, links }, fields)),
        }))}
      />
    </div>
  );
}

interface ClickParams {
  dataType?: string;
  data?: { flow?: FlowLink; of?: FlowNode };
}

function pickOf({ data }: ClickParams, { nodes, links, fields }: GraphProps) {
  if (data?.flow) {
    const pick = linkPick(data.flow.link, { nodes, links }, fields);
    if (!data.flow.rejected) return pick;
    return { ...pick, and: [...pick.and, { field: "action", value: "REJECT" }] };
  }
  return data?.of ? nodePick(data.of.node, fields, "source") : null;
}

type Flow = ReturnType<typeof flowOf>;

/** Kinds that say little share the colours of names; Internet and services keep theirs. */
function nodeColours(flow: Flow): Map<string, Token> {
  const names = flow.nodes.map((node) => node.node.name);
  const byName = coloursOf([...new Set(names)]);
  return new Map(
    flow.nodes.map((node) => [
      node.id,
      KIND_COLOURS[node.node.kind] ?? byName.get(node.node.name) ?? "c1",
    ]),
  );
}

function nodeOption(theme: Theme, node: FlowNode, colour: Token) {
  return {
    name: node.id,
    of: node,
    // A node's second place is found by its links, wherever the first one stands.
    depth: node.again ? undefined : node.node.layer,
    itemStyle: { color: theme.colour(colour), borderWidth: 0, borderRadius: 2 },
  };
}

function linkOption(theme: Theme, link: FlowLink, colour: Token) {
  const style = link.rejected
    ? { color: theme.colour("reject"), opacity: 0.62 }
    : { color: theme.colour(colour), opacity: 0.22 };
  return {
    source: link.source,
    target: link.target,
    value: link.value,
    flow: link,
    lineStyle: { ...style, curveness: 0.5 },
  };
}

function tipOf(flow: Flow) {
  const names = new Map(flow.nodes.map((node) => [node.id, node.node.name]));
  return ({ data }: ClickParams): string => {
    if (data?.flow) {
      const { link, rejected } = data.flow;
      const head = `${names.get(link.source)} to ${names.get(data.flow.target)}`;
      const red = link.rejected
        ? tooltipLine("✕ Rejected records", countText(link.rejected), "var(--reject)")
        : "";
      const all = tooltipLine("Bytes", bytesText(sizeOf(link)));
      return tooltipHead(head) + (rejected ? red + all : all + red);
    }
    if (!data?.of) return "";
    const { node, bytes } = data.of;
    const id = node.id === node.name ? "" : `<br>${escaped(node.id)}`;
    return `<b>${escaped(node.name)}</b>${id}${tooltipLine("Bytes", bytesText(bytes))}`;
  };
}

/** How many letters of a name fit between two columns. */
function charsBetween(flow: Flow, width: number): number {
  const columns = new Set(flow.nodes.map((node) => node.node.layer ?? 0)).size;
  const room = width / Math.max(1, columns - 1) - NODE_PX;
  const both = (room - BYTES_PX) / LETTER_PX;
  const letters = both >= LONG_NAME ? both : room / LETTER_PX;
  return Math.floor(Math.min(24, Math.max(5, letters)));
}

/** The room between nodes: less where many stand in one column. */
function gapOf(flow: Flow): number {
  const counts = new Map<number, number>();
  for (const { node } of flow.nodes) {
    const layer = node.layer ?? 0;
    counts.set(layer, (counts.get(layer) ?? 0) + 1);
  }
  const most = Math.max(1, ...counts.values());
  return Math.round(Math.min(16, Math.max(8, NODE_GAPS_PX / most)));
}

function sankeyOption(theme: Theme, flow: Flow, width: number): EChartsCoreOption {
  const colours = nodeColours(flow);
  const narrow = width < 480;
  const right = narrow ? 104 : 150;
  const inner = charsBetween(flow, width - right);
  const last = Math.max(0, ...flow.nodes.map((node) => node.node.layer ?? 0));
  // Between columns there is room for a name only; the tooltip has the bytes.
  const bytesOf = ({ node, bytes }: FlowNode) => {
    const at = node.layer ?? 0;
    return at === 0 || (at === last && !narrow) || inner >= LONG_NAME
      ? `  {b|${bytesText(bytes)}}`
      : "";
  };
  const short = (node: FlowNode["node"]) => {
    const longest = node.layer === last ? (narrow ? 9 : 13) : inner;
    const name = node.name.length > longest ? `${node.name.slice(0, longest - 1)}…` : node.name;
    // Braces and line ends are marks of ECharts' rich text.
    return name.replace(/[{}\n]/g, " ");
  };
  return {
    tooltip: { ...tooltipOf(theme), formatter: tipOf(flow) },
    series: [
      {
        type: "sankey",
        left: 16,
        right,
        top: 8,
        bottom: 14,
        nodeWidth: 10,
        nodeGap: gapOf(flow),
        layoutIterations: 64,
        nodeAlign: "justify",
        draggable: false,
        emphasis: { focus: "adjacency" },
        labelLayout: { hideOverlap: true },
        label: {
          color: theme.colour("text"),
          fontSize: 12,
          fontFamily: FONT,
          // Names stand over links of any colour.
          textBorderColor: theme.colour("surface"),
          textBorderWidth: 3,
          distance: 6,
          formatter: ({ data }: { data: { of: FlowNode } }) =>
            `{n|${short(data.of.node)}${data.of.again ? " ↩" : ""}}${bytesOf(data.of)}`,
          rich: {
            n: { fontWeight: 600, color: theme.colour("text"), fontSize: 12, fontFamily: FONT },
            b: { color: theme.colour("text-2"), fontSize: 11, fontFamily: FONT },
          },
        },
        data: flow.nodes.map((node) => nodeOption(theme, node, colours.get(node.id) ?? "c1")),
        links: flow.links.map((link) => linkOption(theme, link, colours.get(link.source) ?? "c1")),
      },
    ],
  };
}
