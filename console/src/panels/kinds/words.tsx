/** Panels of numbers and words: figures, table, findings, text. */
import { answerOf } from "../../charts/answer";
import { FiguresStrip } from "../../charts/FiguresStrip";
import { type Figure, figureSentence, figuresTable } from "../../charts/figures";
import { cellText, clockText, countText, dayText } from "../../charts/format";
import { NumberFigure } from "../../charts/NumberFigure";
import { measureColumn, nameText, pickOf, timeColumn } from "../../charts/pivot";
import "./kinds.css";
import { answerTable, type Finding, isNumber, type KindProps } from "./panel";
import { Unfit } from "./time";

/** Figures of which more is worse. */
const BAD: ReadonlySet<string> = new Set([
  "rejected",
  "reject_share",
  "nodata",
  "skipdata",
  "rtt_us_p50",
  "rtt_us_p95",
  "lag_p95",
]);
const SHOWN = ["bytes", "records", "reject_share", "hosts", "peers", "rtt_us_p95"];
const SUMMED = ["bytes", "count", "packets"];

function figureOf(props: KindProps, name: string): Figure | null {
  const answer = props.answer ? answerOf(props.answer) : null;
  const meta = answer?.meta(name);
  if (!answer || !meta) return null;
  const before = props.previous ? answerOf(props.previous) : null;
  const time = timeColumn(answer);
  const series = answer.rows > 1 && time ? answer.column(name) : null;
  const total = (from: typeof answer): number | null => {
    const values = from.column(name).filter((v): v is number => typeof v === "number");
    if (values.length === 0) return null;
    const sum = values.reduce((all, value) => all + value, 0);
    return SUMMED.includes(meta.kind) ? sum : sum / values.length;
  };
  return {
    name,
    label: meta.label,
    value: total(answer),
    before: before ? total(before) : undefined,
    kind: meta.kind,
    direction: props.options.direction ?? (BAD.has(name) ? "up-bad" : "neutral"),
    reason: before ? `vs ${(props.previousLabel ?? "previous period").toLowerCase()}` : undefined,
    values: series?.map((value) => (typeof value === "number" ? value : null)),
  };
}

/** The figures of a panel: the columns its options name, else those people ask for first. */
export function figuresOf(props: KindProps): Figure[] {
  if (!props.answer) return [];
  const answer = answerOf(props.answer);
  const known = SHOWN.filter((name) => answer.has(name));
  const names = props.options.columns ?? known;
  return names.flatMap((name) => figureOf(props, name) ?? []);
}

function numberOf(props: KindProps): Figure | null {
  if (!props.answer) return null;
  const measure = measureColumn(answerOf(props.answer), props.options.measure);
  return measure ? figureOf(props, measure.name) : null;
}

export function FiguresPanel(props: KindProps) {
  const figures = figuresOf(props);
  if (figures.length === 0) return <Unfit what="This answer has no figures." />;
  return <FiguresStrip figures={figures} onPick={props.onPick} />;
}

export function NumberPanel(props: KindProps) {
  const figure = numberOf(props);
  if (!figure) return <Unfit what="This answer has no number." />;
  return <NumberFigure {...figure} onPick={props.onPick} />;
}

export const figuresText = (props: KindProps): string =>
  figuresOf(props).map(figureSentence).join(" ") || `${props.title}. Nothing is known.`;
export const figuresRows = (props: KindProps) => figuresTable(figuresOf(props));
export function numberText(props: KindProps): string {
  const figure = numberOf(props);
  return figure ? figureSentence(figure) : `${props.title}. Nothing is known.`;
}
export function numberRows(props: KindProps) {
  const figure = numberOf(props);
  return figure ? figuresTable([figure]) : null;
}

const ROWS_MAX = 200;

/** The rows of an answer; cells that can be filtered by are buttons. */
export function TablePanel({ answer: envelope, options, zone, title, onPick }: KindProps) {
  if (!envelope) return null;
  const answer = answerOf(envelope);
  const shown = answer.columns.filter((column) =>
    options.columns ? options.columns.includes(column.name) : !column.quiet,
  );
  const rows = Math.min(answer.rows, options.top ?? ROWS_MAX);
  return (
    <section className="kind-table" aria-label={title}>
      <table>
        <thead>
          <tr>
            {shown.map((column) => (
              <th key={column.name} scope="col" className={isNumber(column.kind) ? "r" : ""}>
                {column.label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {Array.from({ length: rows }, (_, row) => (
            // Rows of an answer have no identity but their place.
            // biome-ignore lint/suspicious/noArrayIndexKey: see above
            <tr key={row}>
              {shown.map((column) => {
                const value = answer.value(column.name, row);
                const pick =
                  isNumber(column.kind) || column.kind === "time" ? null : pickOf(column, value);
                const text = cellText(value, column.kind, zone);
                const name = answer.nameOf(value) ? nameText(answer, value) : null;
                return (
                  <td key={column.name} className={isNumber(column.kind) ? "r" : column.kind}>
                    {pick && onPick ? (
                      <button type="button" onClick={() => onPick(pick)}>
                        {text}
                      </button>
                    ) : (
                      text
                    )}
                    {name ? <span className="named">{name}</span> : null}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

export const tableText = ({ title, answer }: KindProps): string =>
  answer ? `${title}: ${countText(answer.rows)} rows.` : `${title}. There are no rows.`;
export const tableRows = ({ answer }: KindProps) => answerTable(answer);

const SEVERITY: Record<Finding["severity"], [tone: string, name: string]> = {
  critical: ["crit", "Critical"],
  high: ["crit", "High"],
  medium: ["warn", "Medium"],
  low: ["info", "Low"],
  info: ["info", "Note"],
};

/** Findings, the gravest first as they come. */
export function FindingsPanel({ findings, zone, title, onFinding }: KindProps) {
  if (!findings?.length) return <Unfit what="Nothing was found in this time range." />;
  return (
    <ul className="kind-findings" aria-label={title}>
      {findings.map((finding) => (
        <FindingLine key={finding.id} finding={finding} zone={zone} onFinding={onFinding} />
      ))}
    </ul>
  );
}

interface FindingLineProps {
  finding: Finding;
  zone: string;
  onFinding?: (finding: Finding) => void;
}

function FindingLine({ finding, zone, onFinding }: FindingLineProps) {
  const [tone, name] = SEVERITY[finding.severity] ?? SEVERITY.info;
  const today = Date.now() / 1000 - finding.start_s < 86_400;
  const clock = clockText(finding.start_s, zone);
  return (
    <li>
      <button type="button" onClick={() => onFinding?.(finding)}>
        <i className={`severity ${finding.severity}`} aria-hidden="true" />
        <span className="finding-title">{finding.title}</span>
        <span className={`finding-pill ${tone}`}>{name}</span>
        <span className="finding-evidence">{finding.evidence}</span>
        <span className="finding-time">
          {today ? clock : `${dayText(finding.start_s, zone).slice(0, 3)} ${clock}`}
        </span>
      </button>
    </li>
  );
}

export function findingsText({ title, findings }: KindProps): string {
  const first = findings?.[0];
  if (!first) return `${title}: nothing was found.`;
  return `${title}: ${findings?.length} open. First: ${first.title}, ${first.evidence}.`;
}

export function findingsRows({ findings }: KindProps) {
  return {
    columns: [
      { name: "time", kind: "time" as const, label: "Time" },
      { name: "severity", kind: "text" as const, label: "Severity" },
      { name: "title", kind: "text" as const, label: "Finding" },
      { name: "evidence", kind: "text" as const, label: "Evidence" },
    ],
    rows: (findings ?? []).map((one) => [one.start_s, one.severity, one.title, one.evidence]),
  };
}

/** Words of the dashboard's author. */
export function TextPanel({ options }: KindProps) {
  const parts = (options.text ?? "").split(/\n\s*\n/).filter((part) => part.trim());
  return (
    <div className="kind-text">
      {parts.map((part) => (
        <p key={part}>{part}</p>
      ))}
    </div>
  );
}
