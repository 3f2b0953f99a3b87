import { TriangleAlert } from "lucide-react";
import type { Answer } from "../api/types";
import { answerOf } from "../charts/answer";
import { FiguresStrip as Strip } from "../charts/FiguresStrip";
import type { Figure } from "../charts/figures";
import { timeColumn } from "../charts/pivot";
import { previousOf } from "../state/range";
import { useZone } from "../state/zone";
import { formatCount } from "../time/format";
import { ErrorState, Skeleton } from "../ui/State";
import { type PanelData, type Scope, usePanelData } from "./ask";
import type { DashboardPanel } from "./document";
import type { KindProps } from "./kinds";
import { figuresOf } from "./kinds/words";
import { previousLabel, useComparable } from "./PanelCard";
import { useLate } from "./PanelFrame";
import { pickToFilter } from "./pick";

/** Figures of a strip, when all of them are known. */
const FIGURES_MAX = 6;
const NAMED: Record<string, string> = {
  bytes: "Traffic",
  records: "Flow records",
  reject_share: "Rejected",
  hosts: "Active hosts",
  rtt_us_p95: "Round trip p95",
  lag_s_p95: "Delivery lag p95",
};
const ORDER = ["bytes", "records", "reject_share", "hosts", "rtt_us_p95", "lag_s_p95"];
/** What takes the place of a figure that is not known here. */
const SPARE = ["peers", "interfaces", "packets"];

/** The strip of figures of a dashboard, each against the period before. */
export function FiguresPanel({ panel, scope }: { panel: DashboardPanel; scope: Scope }) {
  const comparable = useComparable(scope.range);
  const before = comparable ? { ...scope, range: previousOf(scope.range) } : null;
  const filter = panel.query?.filter ?? "";
  const asked = usePanelData(panel.query, scope);
  const previous = usePanelData(panel.query, before);
  const traffic = usePanelData({ question: "traffic", filter }, scope);
  const columns = panel.options.columns as string[] | undefined;
  const ofLag = !columns || columns.includes("lag_s_p95") ? scope : null;
  const lag = usePanelData({ question: "lag", parameters: { show: "summary" }, filter }, ofLag);
  const zone = useZone();
  const late = useLate(asked.loading);
  if (!asked.data) {
    return (
      <section className="figures-strip figures-wait" aria-label={panel.title} aria-busy={late}>
        {asked.fault ? (
          <ErrorState fault={asked.fault} onRetry={asked.retry} />
        ) : (
          late && <Skeleton lines={3} />
        )}
      </section>
    );
  }
  const props: KindProps = {
    title: panel.title,
    options: { columns: columns ?? [...ORDER, ...SPARE] },
    zone,
    answer: asked.data.answer,
    previous: previous.data?.answer,
    previousLabel: previousLabel(scope.range),
  };
  const own = [...figuresOf(props), ...(ofLag ? lagFigures(lag.data) : [])];
  return (
    <div className={late && !asked.fresh ? "dimmed" : ""} aria-busy={late || undefined}>
      <Strip figures={chosen(own, traffic.data, Boolean(columns))} onPick={pickToFilter} />
      <CoverageNote answer={asked.data.answer} />
    </div>
  );
}

/** Says once for the whole page that sums are lower bounds. */
function CoverageNote({ answer }: { answer: Answer | undefined }) {
  if (!answer?.coverage.lower_bound) return null;
  const skipped = answer.coverage.skipdata_records;
  const many = skipped === 1 ? "1 SKIPDATA record" : `${formatCount(skipped)} SKIPDATA records`;
  return (
    <p className="coverage-note">
      <TriangleAlert size={13} aria-hidden />
      Partial: {many}. Flows were lost there, so sums are at least what is shown.
    </p>
  );
}

function lagFigures(data: PanelData | undefined): Figure[] {
  const whole = data?.answer && answerOf(data.answer);
  const summary = whole?.section("summary") ?? whole;
  const value = summary?.value("lag_s_p95", 0);
  if (typeof value !== "number") return [];
  const share = summary?.value("known_share", 0);
  const reason =
    typeof share === "number" && share < 0.995
      ? `of ${(share * 100).toFixed(0)}% of records`
      : "from record to table";
  return [{ name: "lag_s_p95", label: "", value, kind: "duration", direction: "up-bad", reason }];
}

/** The figures in order; those that nobody knows give way to others. */
function chosen(all: Figure[], traffic: PanelData | undefined, fixed: boolean): Figure[] {
  const lines = sparklines(traffic);
  const dressed = all.map((figure) => ({
    ...figure,
    label: NAMED[figure.name] ?? figure.label,
    values: lines[figure.name] ?? figure.values,
    pick: figure.name === "reject_share" ? { field: "action", value: "REJECT" } : undefined,
  }));
  if (fixed) return dressed;
  const named = (names: string[]) =>
    names.flatMap((name) => dressed.find((one) => one.name === name && one.value !== null) ?? []);
  return [...named(ORDER), ...named(SPARE)].slice(0, FIGURES_MAX);
}

/** Small lines of what the traffic of the same range says. */
function sparklines(data: PanelData | undefined): Record<string, (number | null)[]> {
  if (!data?.answer) return {};
  const answer = answerOf(data.answer);
  const time = timeColumn(answer);
  if (!time || answer.rows === 0) return {};
  const sums = new Map<number, { bytes: number; records: number; rejected: number }>();
  for (let row = 0; row < answer.rows; row += 1) {
    const at = Number(answer.value(time.name, row));
    const sum = sums.get(at) ?? { bytes: 0, records: 0, rejected: 0 };
    const records = Number(answer.value("records", row) ?? 0);
    sum.bytes += Number(answer.value("bytes", row) ?? 0);
    sum.records += records;
    if (answer.value("class", row) === "rejected") sum.rejected += records;
    sums.set(at, sum);
  }
  const list = [...sums].sort(([one], [other]) => one - other).map(([, sum]) => sum);
  return {
    bytes: list.map((sum) => sum.bytes),
    records: list.map((sum) => sum.records),
    reject_share: list.map((sum) => (sum.records ? sum.rejected / sum.records : 0)),
  };
}
