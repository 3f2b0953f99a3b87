import { TriangleAlert, X } from "lucide-react";
import { Link } from "../../app/Link";
import { serverNow } from "../../state/clock";
import { IconButton } from "../../ui/Button";
import type { Gap } from "./tail";

/** Says which batches were never shown, and where their records are. */
export function GapNotice({ gap, onClose }: { gap: Gap; onClose: () => void }) {
  const { batches, chosen } = gap;
  const counted = batches === 1 ? "1 batch" : `${batches.toLocaleString("en")} batches`;
  const was = batches === 1 ? "was" : "were";
  const words = chosen
    ? `${counted} ${was} left out to get to the newest.`
    : `${counted} came and went before ${batches === 1 ? "it" : "they"} could be shown.`;
  const range = { start: String(gap.from), end: String(gapEnd(gap)) };
  return (
    <div className="notice warn live-gap" role="status">
      <TriangleAlert size={15} aria-hidden />
      <span>
        {words} The table has them:{" "}
        <Link to={`/explore?${new URLSearchParams(range)}`}>see them in Explore</Link>
      </span>
      <span className="grow" />
      <IconButton label="Close the notice" icon={<X size={14} />} onClick={onClose} />
    </div>
  );
}

/** The end of a gap, at least a minute behind its start. Units: seconds since the epoch. */
export function gapEnd(gap: Gap): number {
  return Math.max(gap.to ?? Math.ceil(serverNow()), gap.from + 60);
}
