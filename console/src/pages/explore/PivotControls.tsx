import { Plus, X } from "lucide-react";
import { useMemo, useState } from "react";
import type { FieldEntry } from "../../api/types";
import { Button, IconButton } from "../../ui/Button";
import { Segmented } from "../../ui/Choice";
import { Combobox } from "../../ui/Combobox";
import { Select } from "../../ui/Field";
import { DERIVED, FIELDS_MAX, MEASURES, type PivotState, TOPS } from "./pivotState";

const CHARTS = [
  { value: "bars", label: "Bars" },
  { value: "area", label: "Over time" },
  { value: "pie", label: "Shares" },
];

interface PivotControlsProps {
  state: PivotState;
  fields: FieldEntry[];
}

/** What to group by, what to measure, and how to draw it. */
export function PivotControls({ state, fields }: PivotControlsProps) {
  return (
    <div className="pivot-controls">
      <GroupBy state={state} fields={fields} />
      <Select
        label="Measure"
        hideLabel
        value={state.measure}
        choices={MEASURES}
        onChange={(measure) => state.set({ measure })}
      />
      <Select
        label="Groups"
        hideLabel
        value={state.top}
        choices={TOPS.map((value) => ({ value, label: `Top ${value}` }))}
        onChange={(top) => state.set({ top })}
      />
      <Segmented
        label="Chart"
        value={state.chart}
        options={CHARTS}
        onChange={(chart) => state.set({ chart })}
      />
    </div>
  );
}

/** The fields to group by, and one more. */
function GroupBy({ state, fields }: PivotControlsProps) {
  const [adding, setAdding] = useState(false);
  const choices = useMemo(() => choicesOf(fields), [fields]);
  const setBy = (names: string[]) => {
    setAdding(false);
    state.set({ by: [...new Set(names)].join(",") });
  };
  return (
    <fieldset className="pivot-by">
      <legend className="sr">Group by</legend>
      <span className="quiet-text" aria-hidden>
        Group by
      </span>
      {state.by.map((name, at) => (
        <span key={name} className="pivot-field">
          <Combobox
            label={`Field ${at + 1}`}
            hideLabel
            mono
            value={name}
            choices={choices}
            onChange={(next) => setBy(state.by.map((one, place) => (place === at ? next : one)))}
          />
          {state.by.length > 1 && (
            <IconButton
              label={`Do not group by ${name}`}
              icon={<X size={14} />}
              onClick={() => setBy(state.by.filter((one) => one !== name))}
            />
          )}
        </span>
      ))}
      {adding ? (
        <span className="pivot-field">
          <Combobox
            label="Another field"
            hideLabel
            mono
            value=""
            placeholder="Field"
            choices={choices.filter(({ value }) => !state.by.includes(value))}
            onChange={(next) => next && setBy([...state.by, next])}
          />
          <IconButton
            label="No other field"
            icon={<X size={14} />}
            onClick={() => setAdding(false)}
          />
        </span>
      ) : (
        state.by.length < FIELDS_MAX && (
          <Button icon={<Plus size={14} />} onClick={() => setAdding(true)}>
            Field
          </Button>
        )
      )}
    </fieldset>
  );
}

function choicesOf(fields: FieldEntry[]) {
  const known = fields.filter(({ name }) => name !== "addr" && name !== "port");
  const order = [...known].sort((a, b) => Number(b.present ?? true) - Number(a.present ?? true));
  return [...order, ...DERIVED].map((field) => ({
    value: field.name,
    label: field.name,
    note: field.present === false ? "no values" : field.label,
  }));
}
