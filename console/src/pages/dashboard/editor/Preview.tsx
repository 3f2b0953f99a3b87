import { CircleAlert, Play } from "lucide-react";
import type { Fault } from "../../../api/fault";
import { type PanelData, type Scope, usePanelData } from "../../../panels/ask";
import type { DashboardPanel } from "../../../panels/document";
import { kindNamed } from "../../../panels/kinds";
import { useLate } from "../../../panels/PanelFrame";
import { useZone } from "../../../state/zone";
import { formatCount } from "../../../time/format";

/** Letters of an error in the line of cost. */
const FAULT_MAX = 240;

interface PreviewProps {
  panel: DashboardPanel;
  scope: Scope;
}

/** The panel as it would be, with what it costs. */
export function Preview({ panel, scope }: PreviewProps) {
  const kind = kindNamed(panel.kind);
  const query = kind.source === "none" ? null : (panel.query ?? { question: "findings" });
  const asked = usePanelData(query, scope);
  const zone = useZone();
  const late = useLate(asked.loading);
  const Kind = kind.component;
  const shown = asked.fault ? undefined : asked.data;
  return (
    <>
      {query && (
        <output className={`cost num ${asked.fault ? "bad" : ""}`}>
          {asked.fault ? <CircleAlert size={13} aria-hidden /> : <Play size={12} aria-hidden />}
          {asked.fault ? faultText(asked.fault) : late && !asked.fresh ? "asking" : costOf(shown)}
        </output>
      )}
      <div className="field">
        <span className="field-label">Preview</span>
        <div className={`preview ${late ? "dimmed" : ""}`}>
          {(shown || kind.source === "none") && (
            <Kind
              title={panel.title || "Preview"}
              options={{ ...panel.options, legend: "inside" }}
              zone={zone}
              answer={shown?.answer}
              graph={shown?.graph}
              findings={shown?.findings}
            />
          )}
        </div>
      </div>
    </>
  );
}

/** Engines add lists of what might have been meant; the first line says what is wrong. */
function faultText({ message, hint }: Fault): string {
  const [first = ""] = message.split("\n");
  const short = first.length > FAULT_MAX ? `${first.slice(0, FAULT_MAX)}…` : first;
  return [short, hint].filter(Boolean).join(" ");
}

/** Time, files and rows of an answer, as in "140 ms, 31 of 8,760 files, 48.6M rows". */
function costOf(data: PanelData | undefined): string {
  const told = data?.answer ?? data?.graph;
  if (!told) return data?.findings ? `${data.findings.length} findings` : "";
  const { scan, elapsed_s } = told;
  const time =
    elapsed_s < 1 ? `${Math.max(1, Math.round(elapsed_s * 1000))} ms` : `${elapsed_s.toFixed(1)} s`;
  const files = (scan.files ?? 0) + (scan.files_pruned ?? 0);
  const of = `${formatCount(scan.files)} of ${formatCount(files)} files`;
  return `${time}, ${of}, ${formatCount(scan.rows)} rows`;
}
