import type { ECharts, EChartsCoreOption } from "echarts/core";
import { useCallback, useMemo, useRef } from "react";
import { DrillList } from "./DrillList";
import { axisOf, EChart, gridOf, tooltipHead, tooltipLine, tooltipOf } from "./EChart";
import { bytesText, countText } from "./format";
import {
  type GraphLink,
  type GraphProps,
  graphSentence,
  linkPick,
  linkText,
  namesOf,
  sizeOf,
} from "./graph";
import { HeatScale, heatColours } from "./HeatScale";
import type { Theme } from "./theme";

/** The most rows and columns that labels can be read of. */
const SIDE_MAX = 24;

export interface MatrixCells {
  sources: string[];
  targets: string[];
  cells: { x: number; y: number; link: GraphLink }[];
}

/** The largest sources and targets, and the links between them. */
export function matrixOf(links: readonly GraphLink[], side = SIDE_MAX): MatrixCells {
  const largest = (end: "source" | "target") => {
    const sums = new Map<string, number>();
    // Rejected traffic has few bytes and must not fall off the edge.
    for (const link of links)
      sums.set(link[end], (sums.get(link[end]) ?? 0) + sizeOf(link) + link.rejected * 1000);
    const order = [...sums].sort((one, other) => other[1] - one[1]);
    return order.slice(0, side).map(([id]) => id);
  };
  const sources = largest("source");
  const targets = largest("target");
  const cells = links
    .map((link) => ({ x: targets.indexOf(link.target), y: sources.indexOf(link.source), link }))
    .filter((cell) => cell.x >= 0 && cell.y >= 0);
  return { sources, targets, cells };
}

/** Sources by destinations: darker is more bytes, on a logarithmic scale; ✕ where rejected. */
export function Matrix(props: GraphProps) {
  const { nodes, links, fields, onPick } = props;
  const matrix = useMemo(() => matrixOf(links), [links]);
  const names = useMemo(() => namesOf({ nodes, links }), [nodes, links]);
  const option = useCallback((theme: Theme) => matrixOption(theme, matrix, names), [matrix, names]);
  const picked = useRef<(link: GraphLink) => void>(() => {});
  picked.current = (link) => onPick?.(linkPick(link, { nodes, links }, fields));
  const connect = (chart: ECharts | null) =>
    chart?.on("click", (params) => {
      const link = (params.data as { link?: GraphLink } | undefined)?.link;
      if (link) picked.current(link);
    });
  const top = Math.max(0, ...matrix.cells.map((cell) => sizeOf(cell.link)));
  return (
    <div className="chart chart-graph">
      <EChart option={option} sentence={graphSentence(props)} onChart={connect} />
      <HeatScale low="0" high={bytesText(top)} note="✕ has rejected" />
      <DrillList
        label={`Cells of ${props.title}`}
        items={matrix.cells.map(({ link }) => ({
          key: `${link.source} ${link.target}`,
          text: linkText(link, names),
          onPick: () => picked.current(link),
        }))}
      />
    </div>
  );
}

const short = (text: string): string => (text.length > 16 ? `${text.slice(0, 15)}…` : text);

function matrixAxis(theme: Theme, ids: readonly string[], names: ReadonlyMap<string, string>) {
  const axis = axisOf(theme);
  return {
    type: "category",
    ...axis,
    axisLine: { show: false },
    splitLine: { show: false },
    data: ids,
    axisLabel: {
      ...axis.axisLabel,
      interval: 0,
      formatter: (id: string) => short(names.get(id) ?? id),
    },
  };
}

function matrixOption(
  theme: Theme,
  { sources, targets, cells }: MatrixCells,
  names: ReadonlyMap<string, string>,
): EChartsCoreOption {
  const size = (link: GraphLink) => Math.log10(1 + sizeOf(link));
  const sizes = cells.map((cell) => size(cell.link));
  const columns = matrixAxis(theme, targets, names);
  return {
    grid: gridOf(14, 18, 8, 34),
    tooltip: {
      ...tooltipOf(theme),
      formatter: ({ data }: { data: { link: GraphLink } }) => matrixTip(data.link, names),
    },
    xAxis: { ...columns, position: "top", axisLabel: { ...columns.axisLabel, rotate: 38 } },
    yAxis: { ...matrixAxis(theme, sources, names), inverse: true },
    visualMap: {
      type: "continuous",
      show: false,
      dimension: 2,
      min: sizes.length ? Math.max(0, Math.min(...sizes) - 0.5) : 0,
      max: Math.max(1, ...sizes),
      inRange: { color: heatColours(theme) },
    },
    series: [
      {
        type: "heatmap",
        data: cells.map((cell) => ({
          value: [cell.x, cell.y, size(cell.link)],
          link: cell.link,
        })),
        label: {
          show: true,
          color: theme.colour("reject"),
          textBorderColor: theme.colour("surface"),
          textBorderWidth: 3,
          fontWeight: 700,
          formatter: ({ data }: { data: { link: GraphLink } }) =>
            data.link.rejected > 0 ? "✕" : "",
        },
        itemStyle: { borderColor: theme.colour("surface"), borderWidth: 1, borderRadius: 2 },
        emphasis: { itemStyle: { borderColor: theme.colour("text"), borderWidth: 1 } },
      },
    ],
  };
}

function matrixTip(link: GraphLink, names: ReadonlyMap<string, string>): string {
  const name = (id: string) => names.get(id) ?? id;
  const red = link.rejected
    ? tooltipLine("✕ Rejected records", countText(link.rejected), "var(--reject)")
    : "";
  return (
    tooltipHead(`${name(link.source)} to ${name(link.target)}`) +
    tooltipLine("Bytes", bytesText(sizeOf(link))) +
    tooltipLine("Records", countText(link.records)) +
    red
  );
}
