import { lazy, Suspense, useState } from "react";
import type { Graph } from "../../api/schema";
import { RangeActions } from "../../app/actions";
import { Page } from "../../app/Page";
import { PageFilter } from "../../filter/FilterBox";
import { useLate } from "../../panels/PanelFrame";
import { useUrlParam } from "../../state/location";
import { Brush } from "../../time/Brush";
import { Segmented } from "../../ui/Choice";
import { Combobox } from "../../ui/Combobox";
import { Select } from "../../ui/Field";
import { EmptyState, ErrorState, Skeleton } from "../../ui/State";
import { EdgeTable, NodeTable } from "./Lists";
import { MapLegend } from "./MapLegend";
import { SidePanel } from "./SidePanel";
import "./topologyPage.css";
import { type Topology, useTopology } from "./useTopology";

const TopologyMap = lazy(async () => ({
  default: (await import("../../charts/topology/TopologyMap")).TopologyMap,
}));

const LEVELS = [
  { value: "vpc", label: "VPCs" },
  { value: "subnet", label: "Subnets" },
  { value: "interface", label: "Interfaces" },
];
const VIEWS = [
  { value: "map", label: "Map" },
  { value: "edges", label: "Edges" },
  { value: "nodes", label: "Nodes" },
];
const LEAST = ["0", "0.01", "0.1", "1", "5"].map((value) => ({
  value,
  label: value === "0" ? "All edges" : `Edges from ${value}%`,
}));

/** Topology: VPCs, subnets, interfaces, and what goes between them. */
export default function TopologyPage() {
  const topology = useTopology();
  const [view, setView] = useUrlParam("view", "map");
  const [reveal, setReveal] = useState<string | null>(null);
  const goTo = (id: string) => {
    setReveal(id);
    topology.select({ node: id });
  };
  const open = Boolean(topology.node || topology.link);
  return (
    <Page
      title="Topology"
      subtitle={scopeOf(topology.asked.data)}
      actions={<RangeActions />}
      tools={<PageFilter />}
      edge={<Brush />}
      fill
      className="topology-page"
    >
      <Tools topology={topology} view={view} setView={setView} goTo={goTo} />
      <div className={`topology-frame ${open ? "with-side" : ""}`}>
        <section className="panel" aria-label="Network">
          <Content topology={topology} view={view} reveal={reveal} />
          {view === "map" && <MapLegend topology={topology} />}
        </section>
        {open && <SidePanel topology={topology} goTo={goTo} />}
      </div>
    </Page>
  );
}

function scopeOf(graph: Graph | undefined): string {
  if (!graph) return "";
  const words = graph.level === "vpc" ? "VPCs and networks" : `${graph.level}s and networks`;
  return `${graph.nodes_total.toLocaleString("en-US")} ${words}`;
}

interface ToolsProps {
  topology: Topology;
  view: string;
  setView: (view: string) => void;
  goTo: (id: string) => void;
}

function Tools({ topology, view, setView, goTo }: ToolsProps) {
  const [, setLeast] = useUrlParam("least");
  const choices = topology.nodes.map((node) => ({
    value: node.id,
    label: node.name,
    note: [node.note, node.id === node.name ? "" : node.id].filter(Boolean).join("  "),
  }));
  return (
    <div className="topology-tools">
      <Segmented
        label="Level"
        value={topology.level}
        options={LEVELS}
        onChange={topology.setLevel}
      />
      <Segmented label="View" value={view} options={VIEWS} onChange={setView} />
      <Combobox
        label="Find"
        hideLabel
        placeholder="Find a node: name, id, address"
        value=""
        choices={choices}
        onChange={goTo}
      />
      <Select
        label="Least share of an edge"
        hideLabel
        value={topology.least}
        choices={LEAST}
        onChange={setLeast}
      />
    </div>
  );
}

interface ContentProps {
  topology: Topology;
  view: string;
  reveal: string | null;
}

function Content({ topology, view, reveal }: ContentProps) {
  const { asked, nodes, kept, node, link, select } = topology;
  const late = useLate(asked.loading);
  if (!asked.data && asked.fault) return <ErrorState fault={asked.fault} onRetry={asked.retry} />;
  if (!asked.data) return late ? <Skeleton lines={8} /> : <div className="grow" />;
  if (asked.data.links.length === 0)
    return (
      <EmptyState title="No traffic in this range">
        Nothing went between interfaces, or the filter leaves nothing over. A wider range may show
        more.
      </EmptyState>
    );
  return (
    <div className={`content ${late && !asked.fresh ? "dimmed" : ""}`}>
      {late && <div className="panel-load" />}
      {view === "edges" && <EdgeTable topology={topology} />}
      {view === "nodes" && <NodeTable topology={topology} />}
      {view === "map" && (
        <Suspense>
          <TopologyMap
            title="Topology"
            nodes={nodes}
            links={kept.links}
            limit={kept.links.length}
            more={asked.data.links}
            redFrom={kept.redFrom}
            selectedId={node?.id ?? null}
            selectedLink={link ?? null}
            reveal={reveal}
            onSelect={(what) =>
              select(
                what?.node
                  ? { node: what.node.id }
                  : what?.link
                    ? { link: asked.data?.links.find((one) => one === what.link) }
                    : null,
              )
            }
          />
        </Suspense>
      )}
      {asked.fault && (
        <div className="panel-stale" role="alert">
          <span>{asked.fault.message} What you see is from before.</span>
        </div>
      )}
    </div>
  );
}
