import { ArrowUpRight, ListFilter, X } from "lucide-react";
import { type ReactNode, useEffect, useRef } from "react";
import { useJson } from "../../api/hooks";
import type { GraphLink, RejectedPorts } from "../../api/schema";
import { Link } from "../../app/Link";
import type { GraphNode } from "../../charts/graph";
import { joinTerms } from "../../filter/terms";
import { explainHref, exploreHref } from "../../network/addresses";
import { nameOf } from "../../network/network";
import { useLate } from "../../panels/PanelFrame";
import { addTerm, useFilter } from "../../state/filter";
import { useRange } from "../../state/range";
import { formatBytes, formatCount, formatRatio, serviceOf } from "../../time/format";
import { Button, IconButton } from "../../ui/Button";
import { BarCell } from "../../ui/cells";
import { ErrorState, Pill, Skeleton } from "../../ui/State";
import { linkFilter, peersOf } from "./graph";
import type { Topology } from "./useTopology";

interface SideProps {
  topology: Topology;
  goTo: (id: string) => void;
}

/** What is known of the chosen node or edge, and where to go from it. */
export function SidePanel({ topology, goTo }: SideProps) {
  const { node, link, nodes, network, select } = topology;
  const box = useRef<HTMLElement>(null);
  const close = () => {
    select(null);
    document.querySelector<HTMLElement>(".topology-keys")?.focus();
  };
  // On a narrow screen it stands under the map and would not be seen.
  const chosen = node?.id ?? `${link?.source}~${link?.target}`;
  useEffect(() => {
    if (chosen && window.matchMedia("(max-width: 900px)").matches)
      box.current?.scrollIntoView({ block: "nearest" });
  }, [chosen]);
  const ends = link && [link.source, link.target].map((id) => nodes.find((one) => one.id === id));
  const [source, target] = ends ?? [];
  const filter = node
    ? (node.filter ?? "")
    : source && target
      ? linkFilter(source, target, network)
      : "";
  const title = node?.name ?? `${source?.name ?? ""} and ${target?.name ?? ""}`;
  return (
    <aside
      ref={box}
      className="panel topology-side"
      aria-label="Chosen part of the network"
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.stopPropagation();
        close();
      }}
    >
      <header>
        <h2 title={title}>{title}</h2>
        <div className="tools">
          <IconButton label="Close" icon={<X size={15} />} onClick={close} />
        </div>
      </header>
      <div className="content scrolls">
        <div className="topology-side-body">
          <SideActions filter={filter} groups={groupsOf(topology, node, link)} />
          {node && <NodeFacts node={node} topology={topology} />}
          {link && source && target && (
            <LinkFacts link={link} source={source} target={target} goTo={goTo} />
          )}
          {node && <Peers topology={topology} node={node} />}
          <Ports filter={filter} />
        </div>
      </div>
    </aside>
  );
}

/** The security groups of the interfaces at hand. */
function groupsOf({ network }: Topology, node?: GraphNode, link?: GraphLink): string[] {
  const ids = node ? [node.id] : link ? [link.source, link.target] : [];
  return [...new Set(ids.flatMap((id) => network.interfaces.get(id)?.groups ?? []))].map(
    (id) => id,
  );
}

function SideActions({ filter, groups }: { filter: string; groups: string[] }) {
  const page = useFilter();
  return (
    <div className="row">
      <Button
        size="sm"
        icon={<ListFilter size={13} />}
        disabled={!filter}
        onClick={() => addTerm(filter)}
      >
        Filter by this
      </Button>
      <Link className="btn plain sm" to={exploreHref(page.text, filter)}>
        <ArrowUpRight size={13} /> Open in Explore
      </Link>
      {groups.length > 0 && (
        <Link
          className="btn plain sm"
          to={groups.length === 1 ? `/security-groups/${groups[0]}` : "/security-groups"}
        >
          Security group rules
        </Link>
      )}
    </div>
  );
}

interface Measured {
  bytes: number;
  records: number;
  rejected: number;
}

function Figures({ of, children }: { of: Measured; children?: ReactNode }) {
  const share = of.records ? of.rejected / of.records : 0;
  return (
    <dl className="facts">
      <dt>Bytes</dt>
      <dd className="num">{formatBytes(of.bytes)}</dd>
      <dt>Records</dt>
      <dd className="num">{formatCount(of.records)}</dd>
      <dt>Rejected</dt>
      <dd className={of.rejected > 0 ? "num reject-text" : "num"}>
        {formatCount(of.rejected)}
        {of.rejected > 0 && ` (${formatRatio(share)})`}
      </dd>
      {children}
    </dl>
  );
}

const KINDS: Record<string, string> = {
  internet: "addresses outside",
  service: "AWS service",
  network: "network",
  vpc: "VPC",
  subnet: "subnet",
  interface: "interface",
  other: "what is too small to be drawn",
};

function NodeFacts({ node, topology }: { node: GraphNode; topology: Topology }) {
  const { network } = topology;
  const own = network.interfaces.get(node.id);
  const within = [own?.vpc_id, own?.subnet_id ?? node.parent].filter(Boolean) as string[];
  return (
    <Figures of={node}>
      <dt>Kind</dt>
      <dd>{KINDS[node.kind] ?? node.kind}</dd>
      {node.id !== node.name && /^(eni|vpc|subnet)-/.test(node.id) && (
        <>
          <dt>Id</dt>
          <dd className="mono">{node.id}</dd>
        </>
      )}
      {within.length > 0 && (
        <>
          <dt>In</dt>
          <dd>{within.map((id) => nameOf(network, id)).join(" / ")}</dd>
        </>
      )}
      {(own || node.note) && (
        <>
          <dt>{own ? "Addresses" : "Networks"}</dt>
          <dd className="mono">{own ? own.addresses.join(", ") : node.note}</dd>
        </>
      )}
      {own && own.groups.length > 0 && (
        <>
          <dt>Groups</dt>
          <dd className="row">
            {own.groups.map((id) => (
              <Link key={id} to={`/security-groups/${id}`}>
                {nameOf(network, id)}
              </Link>
            ))}
          </dd>
        </>
      )}
      {node.kind === "interface" && !own && (
        <>
          <dt>Inventory</dt>
          <dd>
            <Pill tone="warn">not in it</Pill>
          </dd>
        </>
      )}
    </Figures>
  );
}

interface LinkFactsProps {
  link: GraphLink;
  source: GraphNode;
  target: GraphNode;
  goTo: (id: string) => void;
}

function LinkFacts({ link, source, target, goTo }: LinkFactsProps) {
  const end = (node: GraphNode) => (
    <button type="button" className="link" onClick={() => goTo(node.id)}>
      {node.name}
    </button>
  );
  return (
    <Figures of={{ bytes: link.total, records: link.records, rejected: link.rejected }}>
      <dt>Packets</dt>
      <dd className="num">{formatCount(link.packets)}</dd>
      <dt>From {end(source)}</dt>
      <dd className="num">{formatBytes(link.bytes)}</dd>
      <dt>From {end(target)}</dt>
      <dd className="num">{formatBytes(link.bytes_back)}</dd>
    </Figures>
  );
}

/** Peers of one list. */
const PEERS_SHOWN = 8;

function Peers({ topology, node }: { topology: Topology; node: GraphNode }) {
  const { asked, nodes, select } = topology;
  if (!asked.data) return null;
  const peers = peersOf(asked.data, nodes, node.id);
  const most = peers[0]?.bytes ?? 0;
  const linkTo = (id: string) =>
    asked.data?.links.find(
      ({ source, target }) =>
        (source === node.id && target === id) || (target === node.id && source === id),
    );
  return (
    <section>
      <h3>
        Top peers <span className="quiet-text">{peers.length} in all</span>
      </h3>
      <ul className="topology-peers">
        {peers.slice(0, PEERS_SHOWN).map((peer) => {
          const link = linkTo(peer.id);
          return (
            <li key={peer.id}>
              <button
                type="button"
                onClick={() => select(link ? { link } : { node: peer.id })}
                title={`What went between ${node.name} and ${peer.name}`}
              >
                <span className="name">{peer.name}</span>
                <BarCell
                  value={peer.bytes}
                  most={most}
                  rejected={peer.records ? peer.rejected / peer.records : 0}
                  text={formatBytes(peer.bytes)}
                />
              </button>
            </li>
          );
        })}
      </ul>
    </section>
  );
}

/** Rejected ports of one list. */
const PORTS_SHOWN = 6;

function Ports({ filter }: { filter: string }) {
  const { start, end } = useRange();
  const page = useFilter();
  const asked = useJson<RejectedPorts>("/rejected-ports", {
    start,
    end,
    filter: joinTerms([page.text, filter]),
    limit: PORTS_SHOWN,
  });
  const late = useLate(asked.loading);
  const ports = asked.data?.ports ?? [];
  return (
    <section aria-busy={asked.loading || undefined}>
      <h3>Rejected ports</h3>
      {asked.fault && <ErrorState fault={asked.fault} onRetry={asked.retry} />}
      {!asked.data && late && <Skeleton lines={3} />}
      {asked.data && ports.length === 0 && <p className="quiet-text">Nothing was rejected.</p>}
      <ul className={`topology-ports ${late && !asked.fresh ? "dimmed" : ""}`}>
        {ports.map((port) => (
          <li key={`${port.protocol} ${port.port}`}>
            <span className="mono">{port.port ?? port.protocol_name}</span>
            <span className="quiet-text">
              {(port.port !== null && serviceOf(port.port)) || port.protocol_name}
            </span>
            <span className="num reject-text">{formatCount(port.records)}</span>
            {port.top_source && port.top_target ? (
              <Link
                to={explainHref({
                  source: port.top_source,
                  destination: port.top_target,
                  protocol: String(port.protocol),
                  dport: port.port === null ? undefined : String(port.port),
                })}
                title={port.rule_name || port.why}
              >
                Why?
              </Link>
            ) : (
              <span />
            )}
            {port.rule_name && <span className="rule quiet-text">{port.rule_name}</span>}
          </li>
        ))}
      </ul>
    </section>
  );
}
