import { useEffect, useRef } from "react";
import { useExtent } from "../../api/health";
import type { Dashboard } from "../../panels/document";
import { serverNow } from "../../state/clock";
import { currentPlace } from "../../state/location";
import { DEFAULT_LAST, PRESETS, parseLast, setLast, setRange } from "../../state/range";
import { lastWithRecords, movedTo } from "../../time/RangeNotice";

/** Opens a dashboard in its own time, where the address says none. */
export function useOpeningTime(dashboard: Dashboard | undefined): void {
  const extent = useExtent();
  const done = useRef(false);
  useEffect(() => {
    const time = dashboard?.time;
    if (done.current || !dashboard || !extent) return;
    done.current = true;
    const params = new URLSearchParams(currentPlace().query);
    // A range that was moved to where records are was chosen by nobody: its width is ours.
    const moved = movedTo.get();
    const chosen = params.has("start") && params.get("start") !== String(moved?.start);
    if (!time || params.has("last") || chosen) return;
    if (time.start_s != null && time.end_s != null) {
      setRange({ start: time.start_s, end: time.end_s }, { replace: true });
      return;
    }
    const own_s = time.last_s ?? 3600;
    if (extent.last < serverNow() - Math.min(own_s, 3600)) {
      const last_s = widthFor(own_s, extent.last - extent.first);
      const span = lastWithRecords(extent.last, last_s);
      movedTo.set(span);
      setRange(span, { replace: true });
      return;
    }
    const last = lastOf(widthFor(own_s, serverNow() - extent.first));
    if (last !== DEFAULT_LAST) setLast(last, { replace: true });
  }, [dashboard, extent]);
}

/** A dashboard's own width, or the least preset that holds a table younger than that. */
export function widthFor(own_s: number, age_s: number): number {
  const widths = PRESETS.map(({ last }) => parseLast(last) ?? own_s);
  return widths.find((width) => width >= Math.max(age_s, 3600) && width < own_s) ?? own_s;
}

/** So many seconds as a range up to now, as in `24h`. */
export function lastOf(seconds: number): string {
  if (seconds % 86_400 === 0 && seconds > 86_400) return `${seconds / 86_400}d`;
  if (seconds % 3600 === 0) return `${seconds / 3600}h`;
  return `${Math.max(1, Math.round(seconds / 60))}m`;
}
