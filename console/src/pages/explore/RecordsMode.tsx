import { Columns3 } from "lucide-react";
import { useCallback, useMemo, useState } from "react";
import { useAnswer } from "../../api/hooks";
import type { Answer } from "../../api/types";
import { useFields } from "../../filter/useCompletion";
import { useLate } from "../../panels/PanelFrame";
import { useUrlParam } from "../../state/location";
import { formatCount } from "../../time/format";
import { Button } from "../../ui/Button";
import type { Sort } from "../../ui/DataTable";
import { Select } from "../../ui/Field";
import { Skeleton } from "../../ui/State";
import { ColumnPicker, type ColumnPickerProps } from "./ColumnPicker";
import { fieldsToAsk, useColumns } from "./columns";
import { ExportMenu } from "./ExportMenu";
import { FaultOf, isWrong } from "./FaultOf";
import { Histogram, useHistogram } from "./Histogram";
import { NothingFound } from "./NothingFound";
import { columnsNamed, ResultTable } from "./ResultTable";
import { keyOfAnswer, recordText } from "./record";
import { ScanLine } from "./ScanLine";

const ORDERS = [
  { value: "newest", label: "Newest first" },
  { value: "oldest", label: "Oldest first" },
  { value: "bytes", label: "Most bytes" },
  { value: "packets", label: "Most packets" },
];
/** How many records are loaded, step by step; the last is as many as this table takes. */
export const LIMITS = [1_000, 10_000, 100_000];

/** The records themselves. */
export function RecordsMode() {
  const [order, setOrder] = useUrlParam("order", "newest");
  const [limitText, setLimit] = useUrlParam("limit", String(LIMITS[0]));
  const [, setRecord] = useUrlParam("record");
  const [columns, setColumns] = useColumns();
  const fields = useFields();
  const histogram = useHistogram();
  const limit = LIMITS.includes(Number(limitText)) ? Number(limitText) : 1_000;
  const asks = { order, limit, fields: fieldsToAsk(columns, fields) };
  const asked = useAnswer("flows", asks, { arrow: true });
  const answer = asked.data;
  const open = useCallback(
    (row: number) => {
      const key = answer && keyOfAnswer(answer, row);
      if (key) setRecord(recordText(key));
    },
    [answer, setRecord],
  );
  const shown = useMemo(() => (answer ? columnsNamed(answer, columns) : []), [answer, columns]);
  const late = useLate(asked.loading);
  return (
    <>
      {histogram.total !== 0 && <Histogram asked={histogram} />}
      <div className="explore-bar">
        <ScanLine answer={answer}>{countText(answer, histogram.total, asked.fresh)}</ScanLine>
        <span className="grow" />
        <Select label="Order" hideLabel value={order} choices={ORDERS} onChange={setOrder} />
        <Columns shown={columns} fields={fields} onChange={setColumns} />
        <ExportMenu
          request={{ question: "flows", params: { ...asks, fields: columns.join(",") } }}
          total={histogram.total}
        />
      </div>
      <div className={`explore-result ${late ? "dimmed" : ""}`} aria-busy={late || undefined}>
        {late && <div className="panel-load" />}
        {asked.fault && <FaultOf asked={asked} />}
        {!answer && !asked.fault && late && <Skeleton lines={12} />}
        {answer && !asked.fault && answer.rows === 0 && !asked.loading && <NothingFound />}
        {answer && answer.rows > 0 && !isWrong(asked.fault) && (
          <ResultTable
            label="Flow records"
            answer={answer}
            columns={shown}
            onOpen={open}
            sort={SORTS[order]}
            onSort={(sort) => setOrder(orderOf(sort, order))}
          />
        )}
      </div>
      {answer && (
        <MoreRecords
          answer={answer}
          total={histogram.total}
          limit={limit}
          loading={asked.loading}
          onLimit={(next) => setLimit(String(next))}
        />
      )}
    </>
  );
}

/** The button that opens the picker of columns. */
function Columns(props: Omit<ColumnPickerProps, "onClose">) {
  const [picking, setPicking] = useState(false);
  return (
    <>
      <Button size="md" icon={<Columns3 size={14} />} onClick={() => setPicking(true)}>
        Columns
      </Button>
      {picking && <ColumnPicker {...props} onClose={() => setPicking(false)} />}
    </>
  );
}

const SORTS: Record<string, Sort> = {
  newest: { key: "start", descending: true },
  oldest: { key: "start", descending: false },
  bytes: { key: "bytes", descending: true },
  packets: { key: "packets", descending: true },
};

/** The order that a click on a head means; heads that the server does not order by change nothing. */
function orderOf(sort: Sort, before: string): string {
  if (sort.key === "bytes" || sort.key === "packets") return sort.key;
  if (sort.key !== "start") return before;
  return before === "newest" ? "oldest" : "newest";
}

function countText(answer: Answer | undefined, total: number | undefined, fresh: boolean) {
  if (!answer) return null;
  if (!answer.rows) return "No records";
  const rows = answer.rows.toLocaleString("en-US");
  if (total === undefined || !fresh || total < answer.rows) return `${rows} records`;
  if (total === answer.rows) return `All ${rows} records`;
  return `${rows} of ${formatCount(total)} records`;
}

interface MoreProps {
  answer: Answer;
  total: number | undefined;
  limit: number;
  loading: boolean;
  onLimit: (limit: number) => void;
}

/** What is not loaded, and how to get it. */
function MoreRecords({ answer, total, limit, loading, onLimit }: MoreProps) {
  const cut = answer.truncated || answer.rows >= limit;
  if (!cut || (total !== undefined && total <= answer.rows)) return null;
  const next = LIMITS.find((one) => one > limit);
  const left = total === undefined ? "" : ` There are ${formatCount(total)}.`;
  return (
    <div className="explore-more">
      <span>
        The first {answer.rows.toLocaleString("en-US")} in this order are loaded.{left}
        {next === undefined &&
          " This table takes no more: narrow the range or the filter, or export a file."}
      </span>
      {next !== undefined && (
        <Button size="sm" busy={loading} onClick={() => onLimit(next)}>
          Load {next.toLocaleString("en-US")}
        </Button>
      )}
    </div>
  );
}
