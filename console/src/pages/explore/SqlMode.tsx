import { BookOpen, History, LayoutDashboard, Play, Square } from "lucide-react";
import { useCallback, useMemo, useRef, useState } from "react";
import { useFields } from "../../filter/useCompletion";
import { useLate } from "../../panels/PanelFrame";
import { useFilter } from "../../state/filter";
import { useUrlParam } from "../../state/location";
import { Button } from "../../ui/Button";
import { Popover } from "../../ui/Popover";
import { AddToDashboard, type PanelDraft } from "./AddToDashboard";
import { ExportMenu } from "./ExportMenu";
import { pictureWithLegend } from "./picture";
import { ScanLine } from "./ScanLine";
import SqlEditor from "./SqlEditor";
import { SqlHelp } from "./SqlHelp";
import { SqlHistory } from "./SqlHistory";
import { SqlResult } from "./SqlResult";
import { chartsOf, measuresOf } from "./sqlAnswer";
import { type SqlRun, useSqlRun } from "./useSqlRun";
import "./sql.css";

/** SQL over the records: an editor, what it answers, and the queries before. */
export default function SqlMode() {
  const sql = useSqlRun();
  const fields = useFields();
  const [view, setView] = useUrlParam("view", "table");
  const [measure, setMeasure] = useUrlParam("measure");
  const [open, setOpen] = useState<"history" | "save" | null>(null);
  const chart = useRef<HTMLDivElement>(null);
  const { asked, ran } = sql;
  const answer = ran === null ? undefined : asked.data;
  const charts = useMemo(() => (answer ? chartsOf(answer) : []), [answer]);
  const measures = useMemo(() => (answer ? measuresOf(answer) : []), [answer]);
  const shownView = charts.some(({ value }) => value === view) ? view : "table";
  const fault = ran === sql.text.trim() ? asked.fault : undefined;
  const close = useCallback(() => setOpen(null), []);
  return (
    <>
      <div className="sql-top">
        <SqlEditor
          value={sql.text}
          onChange={sql.setText}
          onRun={() => sql.run()}
          fault={fault}
          fields={fields}
        />
      </div>
      <div className="explore-bar">
        <RunButton sql={sql} />
        <Help onChoose={sql.run} />
        <Button icon={<History size={14} />} onClick={() => setOpen("history")}>
          History
        </Button>
        <ScanLine answer={asked.fault ? undefined : answer}>
          {answer && !asked.fault ? `${answer.rows.toLocaleString("en-US")} rows` : null}
        </ScanLine>
        <span className="grow" />
        <Button
          icon={<LayoutDashboard size={14} />}
          disabled={!answer || Boolean(asked.fault)}
          onClick={() => setOpen("save")}
        >
          Add to dashboard
        </Button>
        <ExportMenu
          request={{ sql: ran ?? "" }}
          total={answer?.truncated ? undefined : answer?.rows}
          png={shownView === "table" ? undefined : () => pictureWithLegend(chart.current)}
          pngName="sql"
          disabled={!answer || Boolean(asked.fault)}
        />
      </div>
      <SqlResult
        sql={sql}
        answer={answer}
        charts={charts}
        measures={measures}
        view={shownView}
        onView={setView}
        measure={measures.some(({ value }) => value === measure) ? measure : undefined}
        onMeasure={setMeasure}
        chartBox={chart}
      />
      {open === "history" && <SqlHistory onRun={sql.run} onEdit={sql.setText} onClose={close} />}
      {open === "save" && ran !== null && (
        <Save sql={ran} view={shownView} measure={measure} onClose={close} />
      )}
    </>
  );
}

function RunButton({ sql }: { sql: SqlRun }) {
  const late = useLate(sql.asked.loading);
  if (late) {
    return (
      <Button kind="danger" icon={<Square size={12} />} onClick={sql.cancel}>
        Cancel
      </Button>
    );
  }
  return (
    <Button
      kind="primary"
      icon={<Play size={14} />}
      disabled={!sql.text.trim()}
      onClick={() => sql.run()}
      title="Ctrl Enter"
    >
      Run
    </Button>
  );
}

function Help({ onChoose }: { onChoose: (sql: string) => void }) {
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const close = useCallback(() => setOpen(false), []);
  return (
    <>
      <Button
        ref={button}
        icon={<BookOpen size={14} />}
        aria-expanded={open}
        onClick={() => setOpen(!open)}
      >
        Examples
      </Button>
      {open && (
        <Popover anchor={button} onClose={close} className="sql-help">
          <SqlHelp
            onChoose={(sql) => {
              close();
              onChoose(sql);
            }}
          />
        </Popover>
      )}
    </>
  );
}

interface SaveProps {
  sql: string;
  view: string;
  measure: string;
  onClose: () => void;
}

function Save({ sql, view, measure, onClose }: SaveProps) {
  const { text } = useFilter();
  const draft: PanelDraft = {
    kind: view,
    title: "A query",
    query: { sql, filter: text },
    options: measure ? { measure } : {},
  };
  return <AddToDashboard draft={draft} onClose={onClose} />;
}
