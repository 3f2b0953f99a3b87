/** A page of the development server that shows every chart; not part of the build. */
import { type ReactNode, useState } from "react";
import { createRoot } from "react-dom/client";
import "../../styles/tokens.css";
import "../../styles/base.css";
import "./gallery.css";
import { Bars } from "../Bars";
import { Donut } from "../Donut";
import { FiguresStrip } from "../FiguresStrip";
import type { Figure } from "../figures";
import { HeatMap } from "../HeatMap";
import { LegendSlot } from "../Legend";
import { Matrix } from "../Matrix";
import { Sankey } from "../Sankey";
import { TimeArea, TimeBars, TimeLines } from "../TimeChart";
import { TopologyMap } from "../topology/TopologyMap";
import { WorldMap } from "../WorldMap";
import * as D from "./data";

const say = (what: string) => (value: unknown) => {
  document.title = `${what} ${JSON.stringify(value)}`;
};
const NETWORK = D.network(60);
const LARGE = D.network(500);

function Panel({
  title,
  w,
  h,
  children,
}: {
  title: string;
  w: number;
  h: number;
  children: ReactNode;
}) {
  const [slot, setSlot] = useState<HTMLElement | null>(null);
  return (
    <section className="panel" style={{ gridColumn: `span ${w}`, height: h * 48 - 16 }}>
      <header>
        <h2>{title}</h2>
        <div className="slot" ref={setSlot} />
      </header>
      <div className="content">
        <LegendSlot value={slot}>{children}</LegendSlot>
      </div>
    </section>
  );
}

const TIME = {
  times: D.TIMES,
  interval_s: D.STEP,
  kind: "bytes" as const,
  zone: "utc",
  group: "all",
  onRange: (start: number, end: number) => say("range")([start, end]),
  onPick: say("pick"),
};
const SERIES = [
  { name: "Internal", values: D.internal, pick: { field: "flow", value: "internal" } },
  { name: "Ingress", values: D.ingress, pick: { field: "flow", value: "ingress" } },
  { name: "Egress", values: D.egress, pick: { field: "flow", value: "egress" } },
  { name: "Rejected", values: D.rejected, pick: { field: "action", value: "REJECT" } },
];
const FIGURES: Figure[] = [
  {
    name: "bytes",
    label: "Traffic",
    value: 7.42e12,
    before: 7.13e12,
    kind: "bytes",
    reason: "vs previous day",
    values: D.internal,
  },
  {
    name: "flows",
    label: "Flows",
    value: 48.6e6,
    before: 47.7e6,
    kind: "count",
    reason: "vs previous day",
    values: D.egress,
  },
  {
    name: "rejected",
    label: "Rejected",
    value: 0.038,
    before: 0.012,
    kind: "ratio",
    direction: "up-bad",
    reason: "port scan 10:05",
    values: D.rejected,
  },
  {
    name: "hosts",
    label: "Active hosts",
    value: 2184,
    before: 2172,
    kind: "count",
    reason: "37 new today",
    values: D.ingress,
  },
  {
    name: "peers",
    label: "Peers",
    value: 118,
    before: 77,
    kind: "count",
    direction: "up-bad",
    reason: "redis, postgres",
    values: D.internal,
  },
  {
    name: "lag",
    label: "Delivery lag p95",
    value: 41,
    before: 47,
    kind: "duration",
    direction: "up-bad",
    reason: "99.98% complete",
    values: D.before,
  },
];
const PORTS = D.PORTS.map(([value, name, amount]) => ({
  value,
  name,
  amount,
  rejected: amount,
  pick: { field: "dstport", value: Number(value) },
}));
const TALKERS = D.TALKERS.map(([value, name, amount, share]) => ({
  value,
  name,
  amount,
  rejected: amount * share,
  pick: { field: "address", value },
}));
const SHARES = [
  ["tcp", 70],
  ["udp", 21],
  ["icmp", 6],
  ["other", 3],
].map(([value, amount]) => ({
  value: String(value),
  amount: Number(amount),
  pick: { field: "protocol", value: String(value) },
}));

function Gallery() {
  const graph = { nodes: D.nodes, links: D.links, onPick: say("pick") };
  return (
    <main className="gallery">
      <h1>Charts</h1>
      <button
        type="button"
        onClick={() => {
          const root = document.documentElement;
          root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
        }}
      >
        Theme
      </button>
      <FiguresStrip figures={FIGURES} onPick={say("pick")} />
      <div className="grid">
        <Panel title="Traffic by direction and action" w={8} h={9}>
          <TimeArea
            {...TIME}
            title="Bytes by direction"
            series={SERIES}
            markers={D.MARKERS}
            previous={{ label: "Previous day", values: D.before }}
            onMarker={say("marker")}
          />
        </Panel>
        <Panel title="Shares" w={4} h={9}>
          <Donut rows={SHARES} kind="bytes" title="Bytes by protocol" onPick={say("pick")} />
        </Panel>
        <Panel title="Who talks to whom" w={6} h={9}>
          <Sankey {...graph} title="Who talks to whom" />
        </Panel>
        <Panel title="Matrix" w={6} h={9}>
          <Matrix {...graph} title="Who talks to whom" />
        </Panel>
        <Panel title="Remote countries" w={5} h={8}>
          <WorldMap rows={D.COUNTRIES} title="Remote countries" onPick={say("pick")} />
        </Panel>
        <Panel title="Rejected ports" w={3} h={8}>
          <Bars rows={PORTS} kind="count" title="Rejected ports" onPick={say("pick")} />
        </Panel>
        <Panel title="Delivery latency" w={4} h={8}>
          <HeatMap
            times={D.HEAT_TIMES}
            interval_s={1800}
            edges={D.EDGES}
            cells={D.HEAT}
            kind="duration"
            unit="records"
            zone="utc"
            title="Delivery latency"
            onRange={TIME.onRange}
          />
        </Panel>
        <More />
      </div>
    </main>
  );
}

function More() {
  return (
    <>
      <Panel title="Lines" w={6} h={7}>
        <TimeLines {...TIME} title="Bytes by direction" series={SERIES} />
      </Panel>
      <Panel title="Bars" w={6} h={7}>
        <TimeBars {...TIME} title="Bytes by direction" series={SERIES} />
      </Panel>
      <Panel title="Talkers" w={6} h={7}>
        <Bars rows={TALKERS} kind="bytes" title="Top talkers" onPick={say("pick")} />
      </Panel>
      <Panel title="No countries" w={6} h={7}>
        <WorldMap rows={[]} title="Remote countries" />
      </Panel>
      <Panel title="Topology, 60" w={12} h={12}>
        <TopologyMap {...NETWORK} title="Network" onPick={say("pick")} />
      </Panel>
      <Panel title="Topology, 500" w={12} h={14}>
        <TopologyMap {...LARGE} title="Large network" onPick={say("pick")} />
      </Panel>
    </>
  );
}

const root = document.getElementById("root");
if (root) createRoot(root).render(<Gallery />);
