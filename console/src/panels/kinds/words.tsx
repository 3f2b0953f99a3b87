/** Panels of numbers and words: figures, table, findings, text. */
import { useMemo } from "react";
import type { Answer, Naming } from "../../api/types";
import {
  type AnswerEnvelope,
  answerOf,
  type ColumnMeta,
  type Kind,
  type Value,
} from "../../charts/answer";
import { FiguresStrip } from "../../charts/FiguresStrip";
import { type Figure, figureSentence, figuresTable } from "../../charts/figures";
import { clockText, countText, dayText } from "../../charts/format";
import { NumberFigure } from "../../charts/NumberFigure";
import { measureColumn, pickOf, timeColumn } from "../../charts/pivot";
import "./kinds.css";
import { DataTable, type TableColumn } from "../../ui/DataTable";
import { answerColumns } from "../AnswerTable";
import { answerTable, type Finding, isNumber, type KindProps, type PanelOptions } from "./panel";
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
  const past = before ? total(before) : null;
  return {
    name,
    label: meta.label,
    value: total(answer),
    before: past,
    kind: meta.kind,
    direction: props.options.direction ?? (BAD.has(name) ? "up-bad" : "neutral"),
    reason:
      past !== null ? `vs ${(props.previousLabel ?? "previous period").toLowerCase()}` : undefined,
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
/** Widths of columns beside those of names, which share the rest. */
const NUMBER_WIDTH = "84px";
const BAR_WIDTH = "34%";

type Row = Record<string, Value>;

/** The rows of an answer; a row's click adds what names it to the filter, its menu each value. */
export function TablePanel({ answer: envelope, options, title, onPick }: KindProps) {
  const columns = useMemo(
    () => (envelope ? tableColumns(envelope, options) : []),
    [envelope, options],
  );
  const rows = useMemo(
    () => (envelope ? rowsShown(envelope, options.top ?? ROWS_MAX) : []),
    [envelope, options.top],
  );
  if (!envelope) return null;
  const keys = answerOf(envelope).columns.filter((column) =>
    columns.some((c) => c.key === column.name),
  );
  const pickRow = (row: Row) => {
    const [pick, ...and] = keys
      .filter(isKey)
      .flatMap((key) => pickOf(key, row[key.name] ?? null) ?? []);
    if (pick) onPick?.({ ...pick, and });
  };
  return (
    <DataTable
      label={title}
      columns={columns}
      rows={rows}
      rowKey={(_, index) => String(index)}
      names={envelope.names as Record<string, Naming> | undefined}
      onRow={onPick && keys.some(isKey) ? pickRow : undefined}
      fixed={options.bar !== undefined}
    />
  );
}

/** Columns that say what a row is about. */
const isKey = ({ kind }: ColumnMeta): boolean =>
  !isNumber(kind) && kind !== "time" && kind !== "rule";

function rowsShown(envelope: AnswerEnvelope, most: number): Row[] {
  const { columns, data } = envelope;
  return Array.from({ length: Math.min(envelope.rows, most) }, (_, row) =>
    Object.fromEntries(columns.map(({ name }) => [name, data[name]?.[row] ?? null])),
  );
}

/** Whether a column says the same account in every row, as it does with one account. */
function isSame(envelope: AnswerEnvelope, name: string): boolean {
  if (name !== "account_id" || envelope.columns[1] === undefined) return false;
  const values = Array.from(envelope.data[name] ?? []);
  const keys = envelope.columns.filter(isKey).length;
  return keys > 1 && values.every((value) => value === values[0]);
}

function tableColumns(envelope: AnswerEnvelope, options: PanelOptions): TableColumn<Row>[] {
  const wanted = options.columns;
  const all = answerColumns(envelope as unknown as Answer);
  const shown = wanted
    ? wanted.flatMap((name) => all.find((column) => column.key === name) ?? [])
    : all.filter(({ key }) => key !== "records_without_bytes" && !isSame(envelope, key));
  const bar = options.bar;
  if (!bar) return shown;
  return shown.map((column) => {
    if (column.key === bar)
      return {
        ...column,
        width: BAR_WIDTH,
        align: "right",
        bar: (row: Row) => rejectedPart(row, bar),
      };
    return isNumber(column.kind as Kind) ? { ...column, width: NUMBER_WIDTH } : column;
  });
}

/** The rejected part of a bar, from 0 to 1; of bytes only where they are told apart. */
function rejectedPart(row: Row, measure: string): number {
  const whole = Number(row[measure] ?? 0);
  const red = row[measure === "records" ? "rejected" : `rejected_${measure}`];
  if (red !== undefined) return whole > 0 ? Math.min(1, Number(red ?? 0) / whole) : 0;
  const records = Number(row.records ?? 0);
  return records > 0 && Number(row.rejected ?? 0) >= records ? 1 : 0;
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
        <FindingLine
          key={`${finding.id} ${finding.interface_id}`}
          finding={finding}
          zone={zone}
          onFinding={onFinding}
        />
      ))}
    </ul>
  );
}

/** Letters of evidence that one line of a panel holds. */
const EVIDENCE_LETTERS = 52;

/** As many clauses of the evidence as one line holds, and always the first. */
export function firstClauses(evidence: string): string {
  let text = "";
  for (const clause of evidence.split("; ")) {
    const longer = text ? `${text}; ${clause}` : clause;
    if (text && longer.length > EVIDENCE_LETTERS) break;
    text = longer;
  }
  return text;
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
        <span className="finding-evidence" title={finding.evidence}>
          {firstClauses(finding.evidence)}
        </span>
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
