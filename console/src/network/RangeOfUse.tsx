import { useExtent } from "../api/health";
import { setLast, useRange } from "../state/range";
import { useZone } from "../state/zone";
import { formatTime } from "../time/format";
import { Segmented } from "../ui/Choice";

const RANGES = [
  { value: "1h", label: "1 h" },
  { value: "24h", label: "24 h" },
  { value: "7d", label: "7 days" },
];

/** Says what range "never used" is about, and offers the usual ones. */
export function RangeOfUse() {
  const range = useRange();
  const zone = useZone();
  const extent = useExtent();
  const later = extent !== undefined && extent.first > range.start;
  return (
    <div className="range-of-use">
      <p>
        “Never used” is about{" "}
        <strong>{range.relative ? range.label.toLowerCase() : range.label}</strong>
        {range.relative && <span className="quiet-text"> ({range.exact})</span>}
        {later && (
          <span className="quiet-text">
            ; the first record is of {formatTime(extent.first, zone, "minute")}
          </span>
        )}
        .
      </p>
      <Segmented label="Range" value={range.relative ?? ""} options={RANGES} onChange={setLast} />
    </div>
  );
}
