import type { GroupFinding, GroupShown } from "../../api/schema";
import { serverNow } from "../../state/clock";
import { formatAgo, NONE } from "../../time/format";
import type { TableColumn } from "../../ui/DataTable";
import { Pill, type Tone } from "../../ui/State";

export const KINDS = ["all", "unused", "findings", "empty"] as const;
export type Kind = (typeof KINDS)[number];

/** Whether a group is of a kind. */
export function isOf(kind: Kind, group: GroupShown): boolean {
  switch (kind) {
    case "unused":
      return (group.unused_rules ?? 0) > 0;
    case "findings":
      return group.findings.length > 0;
    case "empty":
      return group.interfaces === 0;
    default:
      return true;
  }
}

/** Whether all words of a search are in a group's names or ids. */
export function matches(group: GroupShown, search: string): boolean {
  const own = [group.name, group.group_id, group.vpc_name, group.vpc_id, group.description]
    .join(" ")
    .toLowerCase();
  return search
    .toLowerCase()
    .split(/\s+/)
    .every((word) => own.includes(word));
}

const TONES: Record<GroupFinding["severity"], Tone> = {
  high: "crit",
  medium: "warn",
  low: "plain",
};
const RANK: Record<GroupFinding["severity"], number> = { high: 3, medium: 2, low: 1 };

/** Findings as pills, the worst first. */
export function FindingPills({ findings, most }: { findings: GroupFinding[]; most: number }) {
  const sorted = [...findings].sort((one, other) => RANK[other.severity] - RANK[one.severity]);
  const rest = sorted.length - most;
  return (
    <span className="finding-pills" title={sorted.map((one) => one.title).join("\n")}>
      {sorted.slice(0, most).map((one) => (
        <Pill key={`${one.rule_id} ${one.title}`} tone={TONES[one.severity]}>
          {one.title}
        </Pill>
      ))}
      {rest > 0 && <span className="quiet-text">+{rest}</span>}
    </span>
  );
}

const worst = (group: GroupShown): number =>
  group.findings.reduce((sum, one) => sum + 10 ** RANK[one.severity], 0);

function Unused({ group }: { group: GroupShown }) {
  if (group.unused_rules === null) return <span className="quiet-text">cannot be told</span>;
  if (group.unused_rules === 0) return <span className="num quiet-text">0</span>;
  return (
    <Pill tone="warn">
      {group.unused_rules} of {group.rules}
    </Pill>
  );
}

/** The columns of the table of groups. */
export const COLUMNS: TableColumn<GroupShown>[] = [
  {
    key: "name",
    label: "Name",
    width: "190px",
    render: (group) => (
      <strong className="group-name" title={group.description || group.name}>
        {group.name}
      </strong>
    ),
  },
  {
    key: "unused_rules",
    label: "Never used",
    width: "115px",
    render: (group) => <Unused group={group} />,
  },
  { key: "vpc_name", label: "VPC", width: "120px" },
  { key: "interfaces", label: "Interfaces", kind: "count", width: "95px" },
  { key: "rules", label: "Rules", kind: "count", width: "75px" },
  {
    key: "findings",
    label: "Findings",
    width: "330px",
    value: (group) => worst(group) || null,
    render: (group) => <FindingPills findings={group.findings} most={1} />,
  },
  { key: "records", label: "Records", kind: "count", width: "95px" },
  { key: "bytes", label: "Bytes", kind: "bytes", width: "95px" },
  {
    key: "last_hit_s",
    label: "Last hit",
    width: "110px",
    render: (group) => (
      <span className="num">
        {group.last_hit_s ? formatAgo(group.last_hit_s, serverNow()) : NONE}
      </span>
    ),
  },
  {
    key: "group_id",
    label: "Id",
    width: "185px",
    render: (group) => <span className="mono">{group.group_id}</span>,
  },
];
