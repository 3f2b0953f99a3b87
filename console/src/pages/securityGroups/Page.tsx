import { type ReactNode, useMemo } from "react";
import { type Asked, useRangeJson } from "../../api/hooks";
import type { GroupShown, GroupsShown } from "../../api/schema";
import { RangeActions } from "../../app/actions";
import { Link } from "../../app/Link";
import { Page } from "../../app/Page";
import { PageFilter } from "../../filter/FilterBox";
import { notesText } from "../../network/notes";
import { RangeOfUse } from "../../network/RangeOfUse";
import { useLate } from "../../panels/PanelFrame";
import { hrefOf, navigate, useUrlParam } from "../../state/location";
import { Button } from "../../ui/Button";
import { Tabs } from "../../ui/Choice";
import { ObjectTable } from "../../ui/ObjectTable";
import { SearchField } from "../../ui/SearchField";
import { EmptyState, ErrorState, Skeleton } from "../../ui/State";
import { COLUMNS, isOf, KINDS, type Kind, matches } from "./groups";
import "./securityGroups.css";

const LABELS: Record<Kind, string> = {
  all: "All",
  unused: "With unused rules",
  findings: "With findings",
  empty: "Without interfaces",
};

const BY_NAME = { key: "name", descending: false };
const REPLACED = { replace: true };

/** Security groups: what is in them, and which of their rules are of use. */
export default function SecurityGroupsPage() {
  const asked = useRangeJson<GroupsShown>("/security-groups");
  const [kindText, setKind] = useUrlParam("kind", "all");
  const [search, setSearch] = useUrlParam("search", "");
  const kind = KINDS.find((one) => one === kindText) ?? "all";
  const groups = asked.data?.groups;
  const shown = useMemo(
    () => (groups ?? []).filter((one) => isOf(kind, one) && matches(one, search)),
    [groups, kind, search],
  );
  const clear = () => {
    setKind(null, REPLACED);
    setSearch(null, REPLACED);
  };
  return (
    <Page
      title="Security groups"
      subtitle={groups && `${groups.length.toLocaleString("en-US")} in all`}
      actions={<RangeActions />}
      tools={<PageFilter />}
      fill
      className="groups-page"
    >
      <div className="groups-tools">
        <RangeOfUse />
        <Link className="btn plain sm" to="/explain">
          Why was this rejected?
        </Link>
      </div>
      <div className="groups-tools">
        <Tabs
          label="Which groups"
          value={kind}
          tabs={KINDS.map((value) => ({
            value,
            label: LABELS[value],
            count: (groups ?? []).filter((one) => isOf(value, one)).length,
          }))}
          onChange={(next) => setKind(next, REPLACED)}
        />
        <SearchField
          label="Search security groups"
          placeholder="Search name, id, VPC"
          value={search}
          onChange={(next) => setSearch(next || null, REPLACED)}
        />
      </div>
      <section className="panel" aria-label="Security groups">
        <Groups asked={asked} nothing={shown.length === 0} onClear={clear}>
          <ObjectTable<GroupShown>
            label="Security groups"
            columns={COLUMNS}
            rows={shown}
            rowKey={(one) => one.group_id}
            sort={BY_NAME}
            onRow={(one) => navigate(hrefOf(`/security-groups/${one.group_id}`))}
          />
        </Groups>
      </section>
    </Page>
  );
}

interface GroupsProps {
  asked: Asked<GroupsShown>;
  nothing: boolean;
  onClear: () => void;
  children: ReactNode;
}

function Groups({ asked, nothing, onClear, children }: GroupsProps) {
  const late = useLate(asked.loading);
  if (!asked.data && asked.fault) return <ErrorState fault={asked.fault} onRetry={asked.retry} />;
  if (!asked.data) return late ? <Skeleton lines={8} /> : null;
  if (asked.data.groups.length === 0) return <NoGroups />;
  const notes = notesText(asked.data.notes);
  return (
    <>
      {late && <div className="panel-load" />}
      <div className={`content ${late && !asked.fresh ? "dimmed" : ""}`}>
        {nothing ? (
          <EmptyState
            title="No group is like that"
            action={
              <Button size="sm" onClick={onClear}>
                Show all groups
              </Button>
            }
          />
        ) : (
          children
        )}
        {asked.fault && (
          <div className="panel-stale" role="alert">
            <span>{asked.fault.message} What you see is from before.</span>
            <Button size="sm" onClick={asked.retry}>
              Retry
            </Button>
          </div>
        )}
      </div>
      {notes && <p className="panel-foot">{notes}</p>}
    </>
  );
}

/** How one comes to security groups where there are none. */
function NoGroups() {
  return (
    <EmptyState title="No security groups yet" action={<a href="/manual/">Manual</a>}>
      They are set up by the AWS API (<span className="mono">aws ec2 create-security-group</span>)
      or in an inventory file (<span className="mono">vpcflow run --inventory FILE</span>).
    </EmptyState>
  );
}
