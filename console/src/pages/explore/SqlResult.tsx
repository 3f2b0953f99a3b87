import { CircleSlash } from "lucide-react";
import { type RefObject, useMemo } from "react";
import type { Answer } from "../../api/types";
import { LegendSlot } from "../../charts/Legend";
import { type KindProps, kindNamed } from "../../panels/kinds";
import { useLate } from "../../panels/PanelFrame";
import { pickToFilter } from "../../panels/pick";
import { useUrlParam } from "../../state/location";
import { setRange } from "../../state/range";
import { useZone } from "../../state/zone";
import { Segmented } from "../../ui/Choice";
import { Select } from "../../ui/Field";
import { EmptyState, ErrorState, Skeleton } from "../../ui/State";
import { ResultTable } from "./ResultTable";
import { keyOfAnswer, recordText } from "./record";
import type { SqlRun } from "./useSqlRun";

interface Named {
  value: string;
  label: string;
}

interface SqlResultProps {
  sql: SqlRun;
  answer: Answer | undefined;
  charts: Named[];
  measures: Named[];
  view: string;
  onView: (view: string) => void;
  measure: string | undefined;
  onMeasure: (measure: string) => void;
  chartBox: RefObject<HTMLDivElement | null>;
}

/** What a query answered: rows, or a chart of them. */
export function SqlResult(props: SqlResultProps) {
  const { sql, answer, charts, view } = props;
  const { asked, cancelled, ran } = sql;
  const late = useLate(asked.loading);
  const fault = asked.fault;
  const table = answer && answer.rows > 0 && !fault;
  return (
    <>
      {table && charts.length > 0 && (
        <div className="explore-bar sql-views">
          <Segmented
            label="View"
            value={view}
            options={[{ value: "table", label: "Table" }, ...charts]}
            onChange={props.onView}
          />
          {view !== "table" && props.measures.length > 1 && (
            <Select
              label="Measure"
              hideLabel
              value={props.measure ?? props.measures[0]?.value ?? ""}
              choices={props.measures}
              onChange={props.onMeasure}
            />
          )}
          {answer.truncated && (
            <span className="quiet-text">
              The server's limit cut the rest; add LIMIT or narrow the range.
            </span>
          )}
        </div>
      )}
      <div
        className={`explore-result ${late ? "dimmed" : ""}`}
        aria-busy={late || undefined}
        aria-live="polite"
      >
        {late && <div className="panel-load" />}
        {cancelled && !asked.loading && (
          <div className="notice sql-cancelled">
            <CircleSlash size={14} aria-hidden /> Cancelled; the server stopped it too.
            {answer && " What you see is from before."}
          </div>
        )}
        {ran === null && (
          <EmptyState title="Run a query to see its rows" action={<span />}>
            Ctrl Enter runs it; Examples has some to begin with.
          </EmptyState>
        )}
        {fault && <ErrorState fault={fault} onRetry={asked.retry} />}
        {ran !== null && !answer && !fault && late && <Skeleton lines={8} />}
        {answer?.rows === 0 && !fault && !asked.loading && (
          <EmptyState title="The query has no rows in this range" />
        )}
        {table && view === "table" && <Rows answer={answer} />}
        {table && view !== "table" && <Chart {...props} answer={answer} />}
      </div>
    </>
  );
}

function Rows({ answer }: { answer: Answer }) {
  const [, setRecord] = useUrlParam("record");
  const opens = ["start", "srcaddr", "dstaddr", "interface_id"].every(
    (name) => answer.data[name] !== undefined,
  );
  const open = (row: number) => {
    const key = keyOfAnswer(answer, row);
    if (key) setRecord(recordText(key));
  };
  return (
    <ResultTable label="Rows of the query" answer={answer} onOpen={opens ? open : undefined} />
  );
}

/** Series or bars drawn of a query's answer. */
const DRAWN_MAX = 12;

function Chart(props: SqlResultProps & { answer: Answer }) {
  const { answer, view, measure, chartBox } = props;
  const zone = useZone();
  const overTime = answer.columns.some(({ kind }) => kind === "time");
  const options = useMemo(
    () => ({
      measure,
      top: DRAWN_MAX,
      over: overTime ? ("time" as const) : ("names" as const),
      legend: "inside" as const,
    }),
    [measure, overTime],
  );
  const kind: KindProps = {
    title: "The query",
    options,
    zone,
    answer,
    onPick: pickToFilter,
    onRange: (start, end) => setRange({ start, end }),
  };
  const Kind = kindNamed(view).component;
  return (
    <div ref={chartBox} className="sql-chart">
      <LegendSlot value={null}>
        <Kind {...kind} />
      </LegendSlot>
    </div>
  );
}
