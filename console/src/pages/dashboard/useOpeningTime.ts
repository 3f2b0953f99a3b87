import { useEffect, useRef } from "react";
import { useExtent } from "../../api/health";
import type { Dashboard } from "../../panels/document";
import { serverNow } from "../../state/clock";
import { currentPlace } from "../../state/location";
import { DEFAULT_LAST, setLast, setRange } from "../../state/range";

/** Opens a dashboard in its own time, where the address says none. */
export function useOpeningTime(dashboard: Dashboard | undefined): void {
  const extent = useExtent();
  const done = useRef(false);
  useEffect(() => {
    const time = dashboard?.time;
    if (done.current || !dashboard || !extent) return;
    done.current = true;
    const params = new URLSearchParams(currentPlace().query);
    if (!time || params.has("last") || params.has("start")) return;
    if (time.start_s != null && time.end_s != null) {
      setRange({ start: time.start_s, end: time.end_s }, { replace: true });
      return;
    }
    const last_s = time.last_s ?? 3600;
    // Where nothing is in this time, the first page goes to where records are.
    if (extent.last < serverNow() - Math.min(last_s, 3600)) return;
    const last = lastOf(last_s);
    if (last !== DEFAULT_LAST) setLast(last, { replace: true });
  }, [dashboard, extent]);
}

/** So many seconds as a range up to now, as in `24h`. */
export function lastOf(seconds: number): string {
  if (seconds % 86_400 === 0 && seconds > 86_400) return `${seconds / 86_400}d`;
  if (seconds % 3600 === 0) return `${seconds / 3600}h`;
  return `${Math.max(1, Math.round(seconds / 60))}m`;
}
