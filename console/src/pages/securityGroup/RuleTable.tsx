import { ArrowUpRight } from "lucide-react";
import { useMemo } from "react";
import type { GroupUse, RuleUse } from "../../api/schema";
import { Link } from "../../app/Link";
import { exploreHref } from "../../network/addresses";
import type { Network } from "../../network/network";
import { serverNow } from "../../state/clock";
import { formatAgo, formatBytes, formatCount, NONE } from "../../time/format";
import { DataTable, type TableColumn } from "../../ui/DataTable";
import { EmptyState, Pill } from "../../ui/State";
import { Tooltip } from "../../ui/Tooltip";
import { FindingPills } from "../securityGroups/groups";
import { ruleFilter } from "./ruleFilter";

interface TableProps {
  use: GroupUse;
  rules: RuleUse[];
  direction: "ingress" | "egress";
  network: Network;
  selected: string;
}

/** The rules of one direction, and what came through each. */
export function RuleTable({ use, rules, direction, network, selected }: TableProps) {
  const columns = useMemo(() => columnsOf(use, direction, network), [use, direction, network]);
  return (
    <DataTable
      label={direction === "ingress" ? "Ingress rules" : "Egress rules"}
      columns={columns}
      rows={rules}
      rowKey={(rule) => rule.rule_id}
      selected={selected}
      fixed
      empty={
        <EmptyState title={`No ${direction} rule`} action={<span />}>
          {use.rules.some((rule) => rule.direction === direction)
            ? "None is like that."
            : `Nothing but replies gets ${direction === "ingress" ? "in" : "out"} by this group.`}
        </EmptyState>
      }
    />
  );
}

function columnsOf(
  use: GroupUse,
  direction: "ingress" | "egress",
  network: Network,
): TableColumn<RuleUse>[] {
  return [
    {
      key: "text",
      label: "Rule",
      width: "21%",
      value: (rule) => `${rule.protocol} ${rule.ports}`,
      render: (rule) => <RuleText rule={rule} />,
    },
    {
      key: "peer",
      label: direction === "ingress" ? "From" : "To",
      width: "13%",
      render: (rule) => <PeerText rule={rule} />,
    },
    {
      key: "last_hit_s",
      label: "Last hit",
      width: "17%",
      kind: "time",
      render: (rule) => <LastHit rule={rule} />,
    },
    measured("records", "Records", "count", formatCount),
    measured("bytes", "Bytes", "bytes", formatBytes),
    measured("packets", "Packets", "packets", formatCount),
    {
      key: "top_peers",
      label: "Top peers",
      sortable: false,
      render: (rule) => <TopPeers rule={rule} />,
    },
    {
      key: "explore",
      label: "",
      width: "9%",
      sortable: false,
      render: (rule) =>
        rule.records > 0 ? (
          <ExploreLink rule={rule} to={ruleFilter(rule, use.interfaces, network)} />
        ) : null,
    },
  ];
}

function measured(
  key: "records" | "bytes" | "packets",
  label: string,
  kind: string,
  text: (value: number) => string,
): TableColumn<RuleUse> {
  const render = (rule: RuleUse) => <Approximate on={rule.approximate} text={text(rule[key])} />;
  return { key, label, width: "8%", kind, render };
}

function ExploreLink({ rule, to }: { rule: RuleUse; to: string }) {
  return (
    <Link
      to={exploreHref("", to)}
      className="rule-explore"
      aria-label={`Explore the records of ${rule.text}`}
    >
      Explore <ArrowUpRight size={12} aria-hidden />
    </Link>
  );
}

function RuleText({ rule }: { rule: RuleUse }) {
  return (
    <span className="rule-text">
      <span className="mono">
        <b>{rule.protocol === "all" ? "all traffic" : rule.protocol}</b> {rule.ports}
      </span>
      {rule.description && (
        <span className="quiet-text" title={rule.description}>
          {rule.description}
        </span>
      )}
      {rule.findings.length > 0 && <FindingPills findings={rule.findings} most={2} />}
    </span>
  );
}

function PeerText({ rule }: { rule: RuleUse }) {
  if (rule.peer.startsWith("sg-"))
    return (
      <Link to={`/security-groups/${rule.peer}`} title={rule.peer}>
        {rule.peer_name}
      </Link>
    );
  const named = rule.peer_name !== rule.peer;
  return (
    <span title={rule.peer}>
      <span className="mono">{rule.peer}</span>
      {named && <span className="quiet-text"> {rule.peer_name}</span>}
    </span>
  );
}

function LastHit({ rule }: { rule: RuleUse }) {
  if (rule.never_used) return <Pill tone="warn">never used in this range</Pill>;
  if (rule.never_used === null) return <Pill>cannot be told</Pill>;
  return (
    <span className="num">{rule.last_hit_s ? formatAgo(rule.last_hit_s, serverNow()) : NONE}</span>
  );
}

function Approximate({ on, text }: { on: boolean; text: string }) {
  if (!on) return <span className="num">{text}</span>;
  return (
    <Tooltip text="Approximate: records do not say the ICMP type, or which end is the service">
      <span className="num">≈ {text}</span>
    </Tooltip>
  );
}

/** Peers of one cell. */
const PEERS_SHOWN = 1;

function TopPeers({ rule }: { rule: RuleUse }) {
  const shown = rule.top_peers.slice(0, PEERS_SHOWN);
  const all = rule.top_peers
    .map((peer) => `${peer.address} ${peer.name?.name ?? ""}: ${formatBytes(peer.bytes)}`)
    .join("\n");
  return (
    <span className="rule-peers" title={all}>
      {shown.map((peer) => (
        <span key={peer.address}>
          <span className="mono">{peer.address}</span>
          {peer.name && peer.name.name !== peer.address && (
            <span className="quiet-text"> {peer.name.name}</span>
          )}
        </span>
      ))}
      {rule.top_peers.length > PEERS_SHOWN && (
        <span className="quiet-text">+{rule.top_peers.length - PEERS_SHOWN}</span>
      )}
    </span>
  );
}
