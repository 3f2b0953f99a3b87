import { X } from "lucide-react";
import { useEffect, useState } from "react";
import { healthAsked, useExtent } from "../api/health";
import { serverNow } from "../state/clock";
import { currentPlace } from "../state/location";
import { previousName, type Span, setRange, useRange } from "../state/range";
import { createStore } from "../state/store";
import { useZone } from "../state/zone";
import { Button, IconButton } from "../ui/Button";
import { formatAgo, formatTime } from "./format";

const HOUR_S = 3600;

/** Whether the range was moved to where records are, without being asked. */
export const movedTo = createStore<Span | null>(null);

/** The last time of a width that has records. Units: seconds. */
export function lastWithRecords(last: number, width = HOUR_S): Span {
  const end = Math.ceil((last + 1) / 60) * 60;
  return { start: end - width, end };
}

/** What a time of that width is called. */
function widthName({ start, end }: Span): string {
  return previousName({ start, end }).replace("previous", "last");
}

/**
 * On the first page, moves a range that nobody chose to where records are; used once, by the app.
 * False until that is known: before, panels would ask for an hour that is given up at once.
 */
export function useFirstRange(): boolean {
  const extent = useExtent();
  const known = healthAsked.use();
  const [chosen] = useState(() => {
    const params = new URLSearchParams(currentPlace().query);
    return params.has("last") || params.has("start");
  });
  const [done, setDone] = useState(chosen);
  useEffect(() => {
    if (done || !known) return;
    if (extent && extent.last < serverNow() - HOUR_S) {
      const span = lastWithRecords(extent.last);
      movedTo.set(span);
      setRange(span, { replace: true });
    }
    setDone(true);
  }, [extent, known, done]);
  return done;
}

/** Says that the range was moved, or that it holds no records and where some are. */
export function RangeNotice() {
  const range = useRange();
  const zone = useZone();
  const extent = useExtent();
  const moved = movedTo.use();
  if (moved && moved.start === range.start && moved.end === range.end) {
    return (
      <output className="notice">
        <span>
          The newest record is from {formatTime(moved.end, zone, "minute")},{" "}
          {formatAgo(moved.end, serverNow())}. This is the {widthName(moved)} that has records.
        </span>
        <IconButton label="Dismiss" icon={<X size={14} />} onClick={() => movedTo.set(null)} />
      </output>
    );
  }
  if (!extent || (range.start <= extent.last && range.end > extent.first)) return null;
  const span = lastWithRecords(extent.last, range.seconds);
  return (
    <output className="notice warn">
      <span>
        No records here: they are from {formatTime(extent.first, zone, "minute")} to{" "}
        {formatTime(extent.last, zone, "minute")}.
      </span>
      <Button size="sm" onClick={() => setRange(span)}>
        Show the last that has some
      </Button>
    </output>
  );
}
