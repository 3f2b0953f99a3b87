import { type Asked, useRangeJson } from "../../api/hooks";
import type { GroupUse, RuleUse } from "../../api/schema";
import { RangeActions } from "../../app/actions";
import { Link } from "../../app/Link";
import { Page } from "../../app/Page";
import type { PageProps } from "../../app/routes";
import { PageFilter } from "../../filter/FilterBox";
import { type Network, nameOf, useNetwork } from "../../network/network";
import { notesText } from "../../network/notes";
import { RangeOfUse } from "../../network/RangeOfUse";
import { useLate } from "../../panels/PanelFrame";
import { useUrlParam } from "../../state/location";
import { formatBytes, formatCount } from "../../time/format";
import { Segmented } from "../../ui/Choice";
import { EmptyState, ErrorState, Skeleton } from "../../ui/State";
import { FindingPills } from "../securityGroups/groups";
import { RuleTable } from "./RuleTable";
import "../securityGroups/securityGroups.css";
import "./securityGroup.css";

const USES = [
  { value: "all", label: "All rules" },
  { value: "used", label: "Used" },
  { value: "unused", label: "Never used" },
];

/** One security group: its rules, and what came through each. */
export default function SecurityGroupPage({ params }: PageProps) {
  const id = params.id ?? "";
  const asked = useRangeJson<GroupUse>(`/security-groups/${encodeURIComponent(id)}`);
  const { network } = useNetwork();
  const group = asked.data?.group;
  return (
    <Page
      title={group?.name ?? id}
      subtitle={group ? `security group in ${group.vpc_name}` : "security group"}
      actions={<RangeActions />}
      tools={<PageFilter />}
      className="group-page"
    >
      <Content asked={asked} network={network} />
    </Page>
  );
}

function Content({ asked, network }: { asked: Asked<GroupUse>; network: Network }) {
  const late = useLate(asked.loading);
  const [useText, setUse] = useUrlParam("use", "all");
  const [selected] = useUrlParam("rule", "");
  if (!asked.data && asked.fault?.status === 404)
    return (
      <EmptyState
        title="There is no such security group"
        action={<Link to="/security-groups">All security groups</Link>}
      >
        It may have been deleted, or belong to another account or region.
      </EmptyState>
    );
  if (!asked.data && asked.fault) return <ErrorState fault={asked.fault} onRetry={asked.retry} />;
  if (!asked.data) return late ? <Skeleton lines={8} /> : null;
  const use = asked.data;
  const isShown = (rule: RuleUse) =>
    useText === "used" ? rule.records > 0 : useText === "unused" ? rule.never_used === true : true;
  return (
    <div className={`stack ${late && !asked.fresh ? "dimmed" : ""}`} aria-busy={late || undefined}>
      <div className="groups-tools">
        <RangeOfUse />
        <Segmented label="Use" value={useText} options={USES} onChange={setUse} />
      </div>
      {asked.fault && <ErrorState fault={asked.fault} onRetry={asked.retry} />}
      <div className="group-frame">
        <div className="stack">
          {(["ingress", "egress"] as const).map((direction) => (
            <section
              key={direction}
              className="panel group-rules"
              aria-label={`${direction} rules`}
            >
              <header>
                <h2>{direction === "ingress" ? "Ingress" : "Egress"}</h2>
                <span className="hint">
                  {countOf(use.rules.filter((rule) => rule.direction === direction).length)}
                </span>
              </header>
              <RuleTable
                use={use}
                rules={use.rules.filter((rule) => rule.direction === direction && isShown(rule))}
                direction={direction}
                network={network}
                selected={selected}
              />
            </section>
          ))}
          <Notes use={use} />
        </div>
        <Facts use={use} network={network} />
      </div>
    </div>
  );
}

const countOf = (rules: number): string => (rules === 1 ? "1 rule" : `${rules} rules`);

function Notes({ use }: { use: GroupUse }) {
  return (
    <div className="group-notes quiet-text">
      {use.unmatched_records > 0 && (
        <p>
          {formatCount(use.unmatched_records)} accepted records at its interfaces came through no
          rule that any of their groups has now: rules were changed since, or something else let
          them pass.
        </p>
      )}
      {(use.notes ?? []).map((note) => (
        <p key={note}>{notesText([note])}</p>
      ))}
    </div>
  );
}

/** Interfaces that are listed at first. */
const MEMBERS_SHOWN = 12;

function Facts({ use, network }: { use: GroupUse; network: Network }) {
  const { group } = use;
  return (
    <aside className="card group-facts" aria-label="The group">
      <h2>The group</h2>
      <dl className="facts">
        <dt>Id</dt>
        <dd className="mono">{group.group_id}</dd>
        <dt>VPC</dt>
        <dd>
          {group.vpc_name}
          {group.vpc_name !== group.vpc_id && (
            <span className="mono quiet-text"> {group.vpc_id}</span>
          )}
        </dd>
        {group.description && (
          <>
            <dt>Description</dt>
            <dd>{group.description}</dd>
          </>
        )}
        <dt>Rules</dt>
        <dd className="num">
          {group.rules}
          {group.unused_rules !== null && `, ${group.unused_rules} never used`}
        </dd>
        <dt>Let through</dt>
        <dd className="num">
          {formatCount(group.records)} records, {formatBytes(group.bytes)}
        </dd>
        {use.referenced_by.length > 0 && (
          <>
            <dt>Named by</dt>
            <dd className="row">
              {use.referenced_by.map((id) => (
                <Link key={id} to={`/security-groups/${id}`}>
                  {nameOf(network, id)}
                </Link>
              ))}
            </dd>
          </>
        )}
      </dl>
      {group.findings.length > 0 && (
        <div className="group-findings">
          <FindingPills findings={group.findings} most={20} />
        </div>
      )}
      <Members use={use} />
    </aside>
  );
}

function Members({ use }: { use: GroupUse }) {
  const { interfaces, group } = use;
  return (
    <section>
      <h3>
        Interfaces <span className="quiet-text">{group.interfaces}</span>
      </h3>
      {interfaces.length === 0 && <p className="quiet-text">No interface is in it.</p>}
      <ul className="group-members">
        {interfaces.slice(0, MEMBERS_SHOWN).map((one) => (
          <li key={one.interface_id}>
            <Link to={`/interfaces?interface=${one.interface_id}`}>{one.name}</Link>
            <span className="mono quiet-text">{one.addresses.join(", ")}</span>
          </li>
        ))}
      </ul>
      {group.interfaces > MEMBERS_SHOWN && (
        <Link to={`/interfaces?search=${encodeURIComponent(group.vpc_name)}`}>
          and {group.interfaces - MEMBERS_SHOWN} more
        </Link>
      )}
    </section>
  );
}
