import { Check } from "lucide-react";
import { useEffect, useMemo } from "react";
import type { Findings } from "../../api/findings";
import { useRangeJson } from "../../api/hooks";
import { RangeActions } from "../../app/actions";
import { Page } from "../../app/Page";
import { PageFilter } from "../../filter/FilterBox";
import { useFilter } from "../../state/filter";
import { currentPlace, useUrlParam } from "../../state/location";
import { useMuted } from "../../state/muted";
import { setLast, useRange } from "../../state/range";
import { formatCount } from "../../time/format";
import { EmptyState, ErrorState, Skeleton } from "../../ui/State";
import { FindingDetail } from "./FindingDetail";
import { FindingFilters } from "./FindingFilters";
import { FindingList } from "./FindingList";
import "./findings.css";
import { chosenFindings } from "./words";

/** Findings: what to look at, the worst first. */
export default function FindingsPage() {
  useDayWhereNothingIsChosen();
  const asked = useRangeJson<Findings>("/findings");
  const [severity, setSeverity] = useUrlParam("severity");
  const [kind, setKind] = useUrlParam("kind");
  const [withMuted, setWithMuted] = useUrlParam("muted");
  const [opened, setOpened] = useUrlParam("finding");
  const isMuted = useMuted();
  const all = asked.data?.findings ?? [];
  const muted = all.filter(isMuted).length;
  const visible = withMuted ? all : all.filter((one) => !isMuted(one));
  const shown = useMemo(() => chosenFindings(visible, severity, kind), [visible, severity, kind]);
  const detail = all.find((one) => one.id === opened);
  return (
    <Page
      title="Findings"
      subtitle={asked.data && `${formatCount(all.length - muted)} open`}
      actions={<RangeActions />}
      tools={<PageFilter />}
      className="findings-page"
    >
      {asked.loading && asked.data && <div className="findings-load panel-load" />}
      {asked.data && all.length > 0 && (
        <FindingFilters
          {...{ visible, severity, setSeverity, kind, setKind, muted }}
          withMuted={withMuted !== ""}
          setWithMuted={(on) => setWithMuted(on ? "1" : null)}
        />
      )}
      {asked.data?.notes.map((note) => (
        <div key={note} className="notice warn">
          {note}
        </div>
      ))}
      {asked.fault && <ErrorState fault={asked.fault} onRetry={asked.retry} />}
      {!asked.data && !asked.fault && <Skeleton lines={8} />}
      {shown.length > 0 && (
        <div className={asked.fresh ? "" : "findings-old"}>
          <FindingList findings={shown} isMuted={isMuted} opened={opened} onOpen={setOpened} />
        </div>
      )}
      {asked.data && !shown.length && <Nothing found={asked.data} all={all.length} muted={muted} />}
      {detail && <FindingDetail finding={detail} onClose={() => setOpened(null)} />}
    </Page>
  );
}

/** Findings are of a day where nobody chose a range: an hour says little. */
function useDayWhereNothingIsChosen(): void {
  useEffect(() => {
    const params = new URLSearchParams(currentPlace().query);
    if (!params.has("last") && !params.has("start")) setLast("24h", { replace: true });
  }, []);
}

interface NothingProps {
  found: Findings;
  all: number;
  muted: number;
}

function Nothing({ found, all, muted }: NothingProps) {
  const { relative, label, exact } = useRange();
  const { text } = useFilter();
  const when = relative ? `in the ${label.toLowerCase()}` : `from ${exact}`;
  const looked =
    `Checked ${formatCount(found.interfaces)} interfaces and ${formatCount(found.records)} ` +
    `records${text ? " that fit the filter" : ""}.`;
  if (all > 0) {
    const reason = muted === all ? "All of them are muted." : "None is of this severity and kind.";
    return (
      <div className="card">
        <EmptyState title={`${formatCount(all)} findings, none shown`} action={<span />}>
          {reason}
        </EmptyState>
      </div>
    );
  }
  return (
    <div className="card">
      <EmptyState title={`Nothing stands out ${when}`} icon={<Check size={20} />}>
        {looked}
      </EmptyState>
    </div>
  );
}
