import { useMemo } from "react";
import { type Asked, useAnswer } from "../../api/hooks";
import { type Answer, column } from "../../api/types";
import { answerOf } from "../../charts/answer";
import { LegendSlot } from "../../charts/Legend";
import { pivotOf } from "../../charts/pivot";
import { TimeBars } from "../../charts/TimeChart";
import type { TimeSeries } from "../../charts/timeSeries";
import { addChip } from "../../state/filter";
import { setRange, useRange } from "../../state/range";
import { useZone } from "../../state/zone";

const INTERVALS_MAX = 160;
/** What records that say no action are called, and how the others are drawn. */
const NAMES: Record<string, Partial<TimeSeries>> = {
  Accepted: { colour: "c1" },
  Rejected: { rejected: true },
  unknown: { label: "No data", colour: "c6" },
};

/** Records over time by action, in the page's range and filter. */
export function useHistogram(): Asked<Answer> & { total: number | undefined } {
  const asked = useAnswer("breakdown", {
    by: "action",
    interval: "auto",
    intervals_max: INTERVALS_MAX,
    limit: 10,
    sort: "records",
  });
  const total = useMemo(() => {
    if (!asked.data) return undefined;
    return Array.from(column(asked.data, "records")).reduce<number>(
      (sum, value) => sum + Number(value ?? 0),
      0,
    );
  }, [asked.data]);
  return { ...asked, total };
}

/** A small picture of when the records were; drag over it to look closer. */
export function Histogram({ asked }: { asked: Asked<Answer> }) {
  const zone = useZone();
  const { start, end } = useRange();
  const pivot = useMemo(
    () => (asked.data ? pivotOf(answerOf(asked.data), { measure: "records" }) : null),
    [asked.data],
  );
  const series = useMemo(
    () => (pivot?.series ?? []).map((line) => ({ ...line, ...NAMES[line.name] })),
    [pivot],
  );
  // The records beneath say what is wrong, for the same filter and range.
  if (asked.fault && !asked.data) return null;
  return (
    <div className={`histogram ${asked.loading && !asked.fresh ? "dimmed" : ""}`}>
      {pivot && series.length > 0 && (
        <LegendSlot value={null}>
          <TimeBars
            times={pivot.times}
            interval_s={pivot.interval_s}
            series={series}
            kind="count"
            zone={zone}
            title="Records by action"
            legend="none"
            onRange={(from, until) =>
              setRange({ start: Math.max(start, from), end: Math.min(end, until) })
            }
            onPick={(pick) => addChip(pick.field, "=", pick.value as string | null)}
          />
        </LegendSlot>
      )}
    </div>
  );
}
