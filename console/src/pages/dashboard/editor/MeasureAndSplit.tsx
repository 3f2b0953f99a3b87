import { Plus, X } from "lucide-react";
import { useMemo, useRef, useState } from "react";
import { useJson } from "../../../api/hooks";
import type { FieldEntry } from "../../../api/types";
import type { DashboardPanel } from "../../../panels/document";
import { Button } from "../../../ui/Button";
import { Segmented } from "../../../ui/Choice";
import { Combobox } from "../../../ui/Combobox";
import { Popover } from "../../../ui/Popover";
import { type Choices, choicesOf, isBuilt, SPLITS_MAX, withChoices } from "./build";

const MEASURES = [
  { value: "bytes", label: "Bytes" },
  { value: "packets", label: "Packets" },
  { value: "records", label: "Flow records" },
];
const TOPS = [3, 4, 5, 6, 8, 10, 15, 20, 50];

interface MeasureFieldProps {
  panel: DashboardPanel;
  onPanel: (panel: DashboardPanel) => void;
}

/** What is summed up. */
export function MeasureField({ panel, onPanel }: MeasureFieldProps) {
  const choices = choicesOf(panel);
  const set = (measure: string) =>
    onPanel(
      isBuilt(panel)
        ? withChoices(panel, { ...choices, measure })
        : { ...panel, options: { ...panel.options, measure } },
    );
  if (["heat", "sankey", "matrix", "figures", "map"].includes(panel.kind)) return null;
  return (
    <div className="field">
      <span className="field-label">Measure</span>
      <Segmented label="Measure" value={choices.measure} options={MEASURES} onChange={set} />
    </div>
  );
}

interface SplitFieldProps {
  choices: Choices;
  onChoices: (choices: Choices) => void;
}

/** The fields that a panel is split by, and how many of their values are shown. */
export function SplitField({ choices, onChoices }: SplitFieldProps) {
  const { by, top } = choices;
  const set = (next: Partial<Choices>) => onChoices({ ...choices, ...next });
  return (
    <div className="field">
      <span className="field-label">Split by</span>
      <div className="split-chips">
        {by.map((field) => (
          <span key={field} className="chip">
            <span className="chip-text">
              <b>{field}</b>
            </span>
            <button
              type="button"
              className="chip-remove"
              aria-label={`Do not split by ${field}`}
              onClick={() => set({ by: by.filter((other) => other !== field) })}
            >
              <X size={12} aria-hidden />
            </button>
          </span>
        ))}
        {by.length < SPLITS_MAX && (
          <AddField by={by} onAdd={(name) => set({ by: [...by, name] })} />
        )}
        {by.length > 0 && (
          <label className="top-n">
            top
            <select value={top} onChange={(event) => set({ top: Number(event.target.value) })}>
              {[...new Set([...TOPS, top])]
                .sort((one, other) => one - other)
                .map((count) => (
                  <option key={count}>{count}</option>
                ))}
            </select>
          </label>
        )}
      </div>
    </div>
  );
}

function AddField({ by, onAdd }: { by: string[]; onAdd: (name: string) => void }) {
  const button = useRef<HTMLButtonElement>(null);
  const [open, setOpen] = useState(false);
  const [typed, setTyped] = useState("");
  const { data } = useJson<{ fields: FieldEntry[] }>("/fields");
  const choices = useMemo(
    () =>
      (data?.fields ?? [])
        .filter((field) => field.splittable && !by.includes(field.name))
        .map(({ name, label }) => ({ value: name, label: name, hint: label })),
    [data, by],
  );
  return (
    <>
      <Button ref={button} size="sm" icon={<Plus size={13} />} onClick={() => setOpen(!open)}>
        Field
      </Button>
      {open && (
        <Popover anchor={button} onClose={() => setOpen(false)}>
          <div className="add-field">
            <Combobox
              label="Field to split by"
              mono
              value={typed}
              choices={choices}
              onChange={(name) => {
                setTyped(name);
                if (!choices.some((choice) => choice.value === name)) return;
                onAdd(name);
                setTyped("");
                setOpen(false);
                button.current?.focus();
              }}
            />
          </div>
        </Popover>
      )}
    </>
  );
}
