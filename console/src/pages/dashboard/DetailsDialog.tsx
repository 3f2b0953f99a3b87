import { useState } from "react";
import { FilterBox } from "../../filter/FilterBox";
import { joinTerms } from "../../filter/terms";
import type { Dashboard } from "../../panels/document";
import { clearFilter, useFilter } from "../../state/filter";
import { labelOf, PRESETS, parseLast, type Range, useRange } from "../../state/range";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Field, Select, TextField } from "../../ui/Field";
import { lastOf } from "./useOpeningTime";

interface DetailsDialogProps {
  dashboard: Dashboard;
  onDetails: (details: Partial<Dashboard>) => void;
  onClose: () => void;
}

/** What a dashboard is called, the time it opens with, and what it always filters by. */
export function DetailsDialog({ dashboard, onDetails, onClose }: DetailsDialogProps) {
  const range = useRange();
  const page = useFilter();
  const [title, setTitle] = useState(dashboard.title);
  const [description, setDescription] = useState(dashboard.description ?? "");
  const [time, setTime] = useState(dashboard.time ?? { last_s: 3600 });
  const [filter, setFilter] = useState(dashboard.filter ?? "");
  const done = () => {
    if (!title.trim()) return;
    onDetails({ title: title.trim(), description, time, filter });
    onClose();
  };
  const takePage = () => {
    setTime(timeOf(range));
    setFilter(joinTerms([filter, page.text]));
    // It is the dashboard's own from now on; twice would be said twice.
    clearFilter();
  };
  return (
    <Dialog
      title="Dashboard details"
      size="md"
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" onClick={done}>
            Done
          </Button>
        </>
      }
    >
      <div className="stack">
        <TextField
          label="Title"
          value={title}
          error={title.trim() ? undefined : "Give it a title."}
          maxLength={200}
          onChange={setTitle}
        />
        <TextField
          label="Description"
          value={description}
          maxLength={400}
          onChange={setDescription}
        />
        <TimeChoice time={time} onTime={setTime} />
        <Field label="Always filtered by" hint="Of every panel, beside the filter of the page.">
          {() => <FilterBox label="Filter of the dashboard" value={filter} onChange={setFilter} />}
        </Field>
        <div>
          <Button size="sm" onClick={takePage}>
            Take this page's range and filter
          </Button>
        </div>
      </div>
    </Dialog>
  );
}

type Time = NonNullable<Dashboard["time"]>;

/** The range of the page as a dashboard keeps it. */
export function timeOf({ relative, start, end, seconds }: Range): Time {
  return relative ? { last_s: seconds } : { start_s: start, end_s: end };
}

const FIXED = "fixed";

function TimeChoice({ time, onTime }: { time: Time; onTime: (time: Time) => void }) {
  const range = useRange();
  const now = time.last_s ? lastOf(time.last_s) : FIXED;
  const known = [...new Set([...PRESETS.map(({ last }) => last), ...(time.last_s ? [now] : [])])];
  const choices = known.map((last) => ({ value: last, label: labelOf(last) }));
  const fixed = {
    value: FIXED,
    label: time.last_s ? "The exact times of this page" : "Exact times",
  };
  return (
    <Select
      label="Opens with"
      value={now}
      choices={[...choices, fixed]}
      onChange={(last) =>
        onTime(
          last === FIXED
            ? { start_s: range.start, end_s: range.end }
            : { last_s: parseLast(last) ?? 3600 },
        )
      }
    />
  );
}
