import { TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import type { Answer } from "../../api/types";
import { formatCount } from "../../time/format";
import { Tooltip } from "../../ui/Tooltip";

/** 12 of 31 files, 48.6M rows, 140 ms. */
export function scanText(answer: Pick<Answer, "scan" | "elapsed_s">): string {
  const { files, files_pruned, rows, rollup } = answer.scan;
  const parts = [`${files} of ${files + files_pruned} files`];
  parts.push(`${formatCount(rows)} rows${rollup ? " of sums" : ""}`);
  parts.push(elapsedText(answer.elapsed_s));
  return parts.join(", ");
}

/** 140 ms, or 1.24 s. */
export function elapsedText(seconds: number): string {
  if (seconds < 0.9995) return `${Math.round(seconds * 1000)} ms`;
  return `${seconds.toFixed(seconds < 10 ? 2 : 1)} s`;
}

/** Why what is seen may be less than there was. */
export function coverageNotes(answer: Answer): string[] {
  const notes = [...answer.notes];
  const { skipdata_records, nodata_records, lower_bound } = answer.coverage;
  if (lower_bound) {
    notes.unshift(
      `Some records were not captured (${formatCount(skipdata_records)} SKIPDATA), so sums are at least this.`,
    );
  }
  if (nodata_records) {
    notes.push(`${formatCount(nodata_records)} NODATA records: no traffic, or it was not seen.`);
  }
  return notes;
}

/** What a question read, beside what it found. */
export function ScanLine({ answer, children }: { answer?: Answer; children?: ReactNode }) {
  const notes = answer ? coverageNotes(answer) : [];
  return (
    <div className="scan-line">
      <span className="scan-count">{children}</span>
      {answer && (
        <Tooltip text="Data files that were read, of those in the table; rows in them; the server's time">
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: its tooltip is for the keyboard as well */}
          <span className="num quiet-text" tabIndex={0}>
            {scanText(answer)}
          </span>
        </Tooltip>
      )}
      {notes.length > 0 && (
        <Tooltip text={notes.join(" ")}>
          <button type="button" className="panel-note" aria-label={`Notes: ${notes.join(" ")}`}>
            <TriangleAlert size={11} aria-hidden />
            {answer?.coverage.lower_bound ? "partial" : "notes"}
          </button>
        </Tooltip>
      )}
    </div>
  );
}
