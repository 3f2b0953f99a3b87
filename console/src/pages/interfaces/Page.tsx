import { type ReactNode, useMemo } from "react";
import { useRangeJson } from "../../api/hooks";
import type { InterfacesShown } from "../../api/schema";
import { RangeActions } from "../../app/actions";
import { Link } from "../../app/Link";
import { Page } from "../../app/Page";
import { PageFilter } from "../../filter/FilterBox";
import { useNetwork } from "../../network/network";
import { notesText } from "../../network/notes";
import { useLate } from "../../panels/PanelFrame";
import { useUrlParam } from "../../state/location";
import { Brush } from "../../time/Brush";
import { Button } from "../../ui/Button";
import { Tabs } from "../../ui/Choice";
import { ObjectTable } from "../../ui/ObjectTable";
import { SearchField } from "../../ui/SearchField";
import { EmptyState, ErrorState, Skeleton } from "../../ui/State";
import { COLUMNS } from "./columns";
import { InterfaceDrawer } from "./InterfaceDrawer";
import { type InterfaceRow, isOf, KINDS, type Kind, matches, rowsOf } from "./rows";
import "./interfaces.css";

const LABELS: Record<Kind, string> = {
  all: "All",
  uncovered: "Without flow log",
  gaps: "With gaps",
  unlisted: "Not in inventory",
  silent: "Without records",
};

const BY_BYTES = { key: "bytes", descending: true };
const REPLACED = { replace: true };

/** Interfaces: what each saw, how well it is covered, and by which flow log. */
export default function InterfacesPage() {
  const asked = useRangeJson<InterfacesShown>("/interfaces");
  const { network } = useNetwork();
  const [kindText, setKind] = useUrlParam("kind", "all");
  const [search, setSearch] = useUrlParam("search", "");
  const [chosen, setChosen] = useUrlParam("interface", "");
  const kind = KINDS.find((one) => one === kindText) ?? "all";
  const rows = useMemo(() => rowsOf(asked.data, network), [asked.data, network]);
  const shown = useMemo(
    () => rows.filter((row) => isOf(kind, row) && matches(row, search)),
    [rows, kind, search],
  );
  const row = rows.find((one) => one.interface_id === chosen);
  return (
    <Page
      title="Interfaces"
      subtitle={asked.data && `${asked.data.interfaces_total.toLocaleString("en-US")} in all`}
      actions={<RangeActions />}
      tools={<PageFilter />}
      edge={<Brush />}
      fill
      className="interfaces-page"
    >
      <Tools rows={rows} kind={kind} />
      <section className="panel" aria-label="Interfaces">
        <Rows
          asked={asked}
          empty={rows.length === 0}
          nothing={shown.length === 0}
          onClear={() => {
            setKind(null, REPLACED);
            setSearch(null, REPLACED);
          }}
        >
          <ObjectTable
            label="Interfaces"
            columns={COLUMNS}
            rows={shown}
            rowKey={(one) => one.interface_id}
            sort={BY_BYTES}
            selected={row?.interface_id}
            onRow={(one) => setChosen(one.interface_id, REPLACED)}
          />
        </Rows>
      </section>
      {row && (
        <InterfaceDrawer row={row} network={network} onClose={() => setChosen(null, REPLACED)} />
      )}
    </Page>
  );
}

/** Which interfaces are shown. */
function Tools({ rows, kind }: { rows: InterfaceRow[]; kind: Kind }) {
  const [, setKind] = useUrlParam("kind", "all");
  const [search, setSearch] = useUrlParam("search", "");
  return (
    <div className="interfaces-tools">
      <Tabs
        label="Which interfaces"
        value={kind}
        tabs={KINDS.map((value) => ({
          value,
          label: LABELS[value],
          count: rows.filter((one) => isOf(value, one)).length,
        }))}
        onChange={(next) => setKind(next, REPLACED)}
      />
      <SearchField
        label="Search interfaces"
        placeholder="Search name, id, address, VPC"
        value={search}
        onChange={(next) => setSearch(next || null, REPLACED)}
      />
    </div>
  );
}

interface RowsProps {
  asked: ReturnType<typeof useRangeJson<InterfacesShown>>;
  empty: boolean;
  nothing: boolean;
  onClear: () => void;
  children: ReactNode;
}

function Rows({ asked, empty, nothing, onClear, children }: RowsProps) {
  const late = useLate(asked.loading);
  if (!asked.data && asked.fault) return <ErrorState fault={asked.fault} onRetry={asked.retry} />;
  if (!asked.data) return late ? <Skeleton lines={8} /> : null;
  if (empty) return <NoInterfaces />;
  return (
    <>
      {late && <div className="panel-load" />}
      <div className={`content ${late && !asked.fresh ? "dimmed" : ""}`}>
        {nothing ? (
          <EmptyState
            title="No interface is like that"
            action={
              <Button size="sm" onClick={onClear}>
                Show all interfaces
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
      {(asked.data.truncated || (asked.data.notes ?? []).length > 0) && (
        <p className="panel-foot">
          {asked.data.truncated && "Only the first interfaces are shown. "}
          {notesText(asked.data.notes)}
        </p>
      )}
    </>
  );
}

/** How one comes to interfaces where there are none. */
function NoInterfaces() {
  return (
    <EmptyState
      title="No interfaces yet"
      action={
        <div className="row">
          <Link className="btn plain sm" to="/sources">
            Sources
          </Link>
          <a className="btn plain sm" href="/manual/">
            Manual
          </a>
        </div>
      }
    >
      They come from three places: <span className="mono">vpcflow run</span> lists those of this
      host, an inventory file or the AWS API (<span className="mono">create-network-interface</span>
      ) sets them up, and records that are ingested name theirs.
    </EmptyState>
  );
}
