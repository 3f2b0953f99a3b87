import { lazy, Suspense } from "react";
import { RangeActions } from "../../app/actions";
import { Page } from "../../app/Page";
import { PageFilter } from "../../filter/FilterBox";
import { setParams, useUrlParam } from "../../state/location";
import { Brush } from "../../time/Brush";
import { Tabs } from "../../ui/Choice";
import { Skeleton } from "../../ui/State";
import { PivotMode } from "./PivotMode";
import { RecordDrawer } from "./RecordDrawer";
import { RecordsMode } from "./RecordsMode";
import { parseRecord } from "./record";
import "./explore.css";

/** The editor is large and is loaded with the first query. */
const SqlMode = lazy(() => import("./SqlMode"));

const MODES = [
  { value: "records", label: "Records" },
  { value: "pivot", label: "Pivot" },
  { value: "sql", label: "SQL" },
];

/** Explore: the records, groups of them, and SQL over them. */
export default function ExplorePage() {
  const [asked] = useUrlParam("mode");
  const [sql] = useUrlParam("sql");
  const [recordText, setRecord] = useUrlParam("record");
  const record = recordText ? parseRecord(recordText) : undefined;
  const known = MODES.some(({ value }) => value === asked);
  const mode = known ? asked : sql ? "sql" : "records";
  return (
    <Page
      title="Explore"
      actions={<RangeActions />}
      tools={<PageFilter />}
      edge={<Brush />}
      fill
      className="explore"
    >
      <Tabs
        label="Way to explore"
        value={mode}
        tabs={MODES}
        onChange={(next) => setParams({ mode: next })}
      />
      <div className="explore-mode">
        {mode === "records" && <RecordsMode />}
        {mode === "pivot" && <PivotMode />}
        {mode === "sql" && (
          <Suspense fallback={<Skeleton lines={6} />}>
            <SqlMode />
          </Suspense>
        )}
      </div>
      {record && <RecordDrawer key={recordText} record={record} onClose={() => setRecord(null)} />}
    </Page>
  );
}
