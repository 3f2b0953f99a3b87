import { useMemo } from "react";
import type { TimeMarker } from "../../charts/timeSeries";
import { type Scope, usePanelData } from "../../panels/ask";

/** Findings marked above a plot; more would hide it. */
const MARKERS_MAX = 4;

/** The gravest findings that begin in the range, as marks on the charts over time. */
export function useMarkers(scope: Scope, on: boolean): TimeMarker[] {
  const { data } = usePanelData(on ? { question: "findings" } : null, scope);
  const { start, end } = scope.range;
  return useMemo(
    () =>
      (data?.findings ?? [])
        .filter((one) => one.severity === "critical" || one.severity === "high")
        .filter((one) => one.start_s >= start && one.start_s < end)
        .slice(0, MARKERS_MAX)
        .map((one) => ({
          at_s: one.start_s,
          label: one.title,
          bad: true,
          id: `${one.id} ${one.interface_id ?? ""}`,
        })),
    [data, start, end],
  );
}
