import { LayoutDashboard } from "lucide-react";
import { useMemo, useRef, useState } from "react";
import { type AnswerOptions, useAnswer } from "../../api/hooks";
import type { Answer } from "../../api/types";
import type { Pick } from "../../charts/answer";
import { LegendSlot } from "../../charts/Legend";
import { useFields } from "../../filter/useCompletion";
import { type KindProps, kindNamed } from "../../panels/kinds";
import { useLate } from "../../panels/PanelFrame";
import { useFilter } from "../../state/filter";
import { setRange } from "../../state/range";
import { useZone } from "../../state/zone";
import { formatCount } from "../../time/format";
import { Button } from "../../ui/Button";
import { ErrorState, Skeleton } from "../../ui/State";
import { AddToDashboard, type PanelDraft } from "./AddToDashboard";
import { chartAnswer, withoutOthers } from "./chartAnswer";
import { ExportMenu } from "./ExportMenu";
import { FaultOf, isWrong } from "./FaultOf";
import { NothingFound } from "./NothingFound";
import { PivotControls } from "./PivotControls";
import { PivotTable } from "./PivotTable";
import { pictureWithLegend } from "./picture";
import {
  breakdownParams,
  filterOfGroup,
  keysOf,
  MEASURES,
  type PivotState,
  usePivot,
} from "./pivotState";
import { ScanLine } from "./ScanLine";
import { showRecords } from "./showRecords";

const WHOLE: AnswerOptions = {};

/** Groups of the records by up to three fields, as a picture and a table. */
export function PivotMode() {
  const state = usePivot();
  const fields = useFields();
  const overTime = state.chart === "area";
  const params = breakdownParams(state, false);
  const asked = useAnswer("breakdown", params, WHOLE);
  const lines = useAnswer("breakdown", breakdownParams(state, true), { enabled: overTime });
  const answer = asked.data;
  const keys = useMemo(() => (answer ? keysOf(answer) : []), [answer]);
  const late = useLate(asked.loading || (overTime && lines.loading));
  const [adding, setAdding] = useState(false);
  const chart = useRef<HTMLDivElement>(null);
  const drawn = overTime ? lines : asked;
  const shown = answer && answer.rows > 0 && !isWrong(asked.fault);
  return (
    <>
      <PivotControls state={state} fields={fields} />
      <div className="explore-bar">
        <ScanLine answer={answer}>{answer ? groupsText(answer, state) : null}</ScanLine>
        <span className="grow" />
        <Button icon={<LayoutDashboard size={14} />} onClick={() => setAdding(true)}>
          Add to dashboard
        </Button>
        <ExportMenu
          request={{ question: "breakdown", params }}
          total={answer?.rows}
          png={overTime ? () => pictureWithLegend(chart.current) : undefined}
          pngName={`pivot-${state.by.join("-")}`}
          disabled={!shown}
        />
      </div>
      <div className={`pivot ${late ? "late" : ""}`} aria-busy={late || undefined}>
        {late && <div className="panel-load" />}
        {asked.fault && <FaultOf asked={asked} />}
        {!answer && !asked.fault && late && <Skeleton lines={10} />}
        {answer && answer.rows === 0 && !asked.loading && !asked.fault && <NothingFound />}
        {shown && (
          <>
            <div className="pivot-chart" ref={chart}>
              {drawn.fault && <ErrorState fault={drawn.fault} onRetry={drawn.retry} />}
              {drawn.data && !drawn.fault && (
                <PivotChart answer={drawn.data} state={state} keys={keys} />
              )}
            </div>
            <PivotTable
              answer={answer}
              keys={keys}
              measure={state.measure}
              fields={fields}
              onDrill={(row) => showRecords(filterOfGroup(row, keys, fields))}
            />
          </>
        )}
      </div>
      {adding && <Adding state={state} onClose={() => setAdding(false)} />}
    </>
  );
}

function groupsText(answer: Answer, state: PivotState): string {
  const others = Array.from(answer.data.is_other ?? []).some(Boolean);
  const groups = answer.rows - (others ? 1 : 0);
  const some = others ? `The first ${formatCount(groups)}` : `All ${formatCount(groups)}`;
  return `${some} by ${state.by.join(", ")}`;
}

interface PivotChartProps {
  answer: Answer;
  state: PivotState;
  keys: string[];
}

function PivotChart({ answer, state, keys }: PivotChartProps) {
  const zone = useZone();
  const { chart } = state;
  const data = useMemo(
    () => chartAnswer(chart === "bars" ? withoutOthers(answer) : answer, keys),
    [answer, keys, chart],
  );
  const options = useMemo(
    () => ({ measure: state.measure, top: 12, over: "names" as const, legend: "inside" as const }),
    [state.measure],
  );
  const Kind = kindNamed(state.chart).component;
  const fields = useFields();
  const pick = (one: Pick) => {
    const own = filterOfGroup({ [one.field]: one.value }, [one.field], fields);
    if (own) showRecords(own);
  };
  const props: KindProps = {
    title: `${labelOf(state.measure)} by ${state.by.join(", ")}`,
    options,
    zone,
    answer: data,
    onPick: keys.length === 1 ? pick : undefined,
    onRange: (start, end) => setRange({ start, end }),
  };
  return (
    <LegendSlot value={null}>
      <Kind {...props} />
    </LegendSlot>
  );
}

function labelOf(measure: string): string {
  return MEASURES.find(({ value }) => value === measure)?.label ?? measure;
}

function Adding({ state, onClose }: { state: PivotState; onClose: () => void }) {
  const { text } = useFilter();
  const { other: _, ...parameters } = breakdownParams(state, state.chart === "area");
  const draft: PanelDraft = {
    kind: state.chart,
    title: `${labelOf(state.measure)} by ${state.by.join(", ")}`,
    query: { question: "breakdown", parameters, filter: text },
    options: { measure: state.measure },
  };
  return <AddToDashboard draft={draft} onClose={onClose} />;
}
