import { ArrowUpRight, ListFilter } from "lucide-react";
import { useMemo } from "react";
import { useAnswer } from "../../api/hooks";
import type { InterfaceShown } from "../../api/schema";
import { Link } from "../../app/Link";
import { answerOf } from "../../charts/answer";
import { pivotOf } from "../../charts/pivot";
import { TimeArea } from "../../charts/TimeChart";
import { explainHref, exploreHref, newFlowLogHref } from "../../network/addresses";
import { type Network, nameOf } from "../../network/network";
import { PanelFrame } from "../../panels/PanelFrame";
import { addTerm, useFilter } from "../../state/filter";
import { hrefOf } from "../../state/location";
import { setRange } from "../../state/range";
import { useZone } from "../../state/zone";
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatRatio,
  formatTime,
} from "../../time/format";
import { Button } from "../../ui/Button";
import { Drawer } from "../../ui/Dialog";
import { Pill } from "../../ui/State";
import { CoverageBar, CoveredBy } from "./columns";
import { hasGap, type InterfaceRow } from "./rows";

interface DrawerProps {
  row: InterfaceRow;
  network: Network;
  onClose: () => void;
}

/** One interface: its traffic over time, what it is, and where to go from it. */
export function InterfaceDrawer({ row, network, onClose }: DrawerProps) {
  const page = useFilter();
  const condition = `interface-id = ${row.interface_id}`;
  return (
    <Drawer title={row.name} onClose={onClose} size="lg">
      <div className="stack">
        <div className="row">
          <Button
            size="sm"
            icon={<ListFilter size={13} />}
            onClick={() => {
              onClose();
              addTerm(condition);
            }}
          >
            Filter by this
          </Button>
          <Link className="btn plain sm" to={exploreHref(page.text, condition)}>
            <ArrowUpRight size={13} /> Open in Explore
          </Link>
          <Link className="btn plain sm" to={hrefOf("/topology", { node: row.interface_id })}>
            Show on the map
          </Link>
          {row.addresses[0] && (
            <Link className="btn plain sm" to={explainHref({ destination: row.addresses[0] })}>
              Why was it rejected?
            </Link>
          )}
          {row.known && !row.covered && (
            <Link className="btn plain sm" to={newFlowLogHref(row.interface_id)}>
              Create a flow log
            </Link>
          )}
        </div>
        <div className="interface-chart">
          <TrafficChart condition={condition} />
        </div>
        <TrafficFacts row={row} />
        <SetUp row={row} network={network} />
      </div>
    </Drawer>
  );
}

function TrafficChart({ condition }: { condition: string }) {
  const zone = useZone();
  const asked = useAnswer("traffic", { intervals_max: 120 }, { filter: condition });
  const pivot = useMemo(
    () => (asked.data ? pivotOf(answerOf(asked.data), { measure: "bytes", top: 6 }) : null),
    [asked.data],
  );
  return (
    <PanelFrame title="Traffic" hint="bytes" asked={asked} answer={asked.data}>
      {pivot && (
        <TimeArea
          title="Bytes by direction and action"
          times={pivot.times}
          interval_s={pivot.interval_s}
          series={pivot.series}
          kind={pivot.measure.kind}
          zone={zone}
          legend="inside"
          onRange={(start, end) => setRange({ start, end })}
        />
      )}
    </PanelFrame>
  );
}

function TrafficFacts({ row }: { row: InterfaceRow }) {
  const zone = useZone();
  const gapStart = row.longest_gap_start_s;
  return (
    <section>
      <h3>In this range</h3>
      <dl className="facts">
        <dt>Bytes</dt>
        <dd className="num">
          {formatBytes(row.bytes)} ({formatBytes(row.bytes_in)} in, {formatBytes(row.bytes_out)}{" "}
          out)
        </dd>
        <dt>Records</dt>
        <dd className="num">
          {formatCount(row.records)}
          {row.rejected > 0 && (
            <span className="reject-text">
              , {formatCount(row.rejected)} rejected ({formatRatio(row.reject_share ?? 0)})
            </span>
          )}
        </dd>
        <dt>Coverage</dt>
        <dd>
          <CoverageBar row={row} />
        </dd>
        {hasGap(row) && gapStart !== null && (
          <>
            <dt>Longest gap</dt>
            <dd>
              {formatDuration(row.longest_gap_s ?? 0)} from {formatTime(gapStart, zone)}{" "}
              <button
                type="button"
                className="link"
                onClick={() =>
                  setRange({
                    start: gapStart - 600,
                    end: gapStart + (row.longest_gap_s ?? 0) + 600,
                  })
                }
              >
                Show it
              </button>
            </dd>
          </>
        )}
        <dt>First record</dt>
        <dd className="num">
          {row.first_record_s === null ? "none" : formatTime(row.first_record_s, zone)}
        </dd>
        <dt>Last record</dt>
        <dd className="num">
          {row.last_record_s === null ? "none" : formatTime(row.last_record_s, zone)}
        </dd>
        <dt>Flow logs</dt>
        <dd>
          <CoveredBy row={row} />
        </dd>
      </dl>
    </section>
  );
}

function SetUp({ row, network }: { row: InterfaceRow; network: Network }) {
  const { setUp } = row;
  return (
    <section>
      <h3>
        Set up {!row.known && <Pill tone="warn">not in the inventory: only records name it</Pill>}
      </h3>
      <dl className="facts">
        <dt>Id</dt>
        <dd className="mono">{row.interface_id}</dd>
        {row.addresses.length > 0 && (
          <>
            <dt>Addresses</dt>
            <dd className="mono">{row.addresses.join(", ")}</dd>
          </>
        )}
        {row.vpc_id && (
          <>
            <dt>VPC</dt>
            <dd>
              {row.vpc} <span className="mono quiet-text">{row.vpc_id}</span>
            </dd>
            <dt>Subnet</dt>
            <dd>
              {row.subnet} <span className="mono quiet-text">{row.subnet_id}</span>
            </dd>
          </>
        )}
        {row.groups.length > 0 && (
          <>
            <dt>Security groups</dt>
            <dd className="row">
              {row.groups.map((id) => (
                <Link key={id} to={`/security-groups/${id}`}>
                  {nameOf(network, id)}
                </Link>
              ))}
            </dd>
          </>
        )}
        {setUp && <OfInventory setUp={setUp} />}
        {row.account_id && (
          <>
            <dt>Account</dt>
            <dd className="num">{row.account_id}</dd>
          </>
        )}
      </dl>
    </section>
  );
}

/** What only the inventory knows of an interface. */
function OfInventory({ setUp }: { setUp: InterfaceShown }) {
  const { instance_id, device, namespace, description } = setUp;
  return (
    <>
      {instance_id && (
        <>
          <dt>Instance</dt>
          <dd className="mono">{instance_id}</dd>
        </>
      )}
      <dt>Attached to</dt>
      <dd>
        {device ? (
          <span className="mono">
            {device}
            {namespace ? ` in ${namespace}` : ""}
          </span>
        ) : (
          <span className="quiet-text">
            no device of this host: <span className="mono">vpcflow attach</span> binds one
          </span>
        )}
      </dd>
      {description && (
        <>
          <dt>Description</dt>
          <dd>{description}</dd>
        </>
      )}
    </>
  );
}
