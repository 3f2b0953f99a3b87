import { useState } from "react";
import type { FlowLogFields } from "../../api/schema";
import { Checkbox } from "../../ui/Field";
import { hasWords, SearchField } from "../../ui/SearchField";

export interface FieldPickerProps {
  fields: FlowLogFields;
  chosen: string[];
  onChange: (chosen: string[]) => void;
}

/** All fields, by the version that brought them, to tick. */
export function FieldPicker({ fields, chosen, onChange }: FieldPickerProps) {
  const [words, setWords] = useState("");
  const picked = new Set(chosen);
  const groups = fields.versions
    .map((version) => ({
      ...version,
      fields: version.fields.filter((field) =>
        hasWords(`${field.name} ${field.label} ${field.summary}`, words),
      ),
    }))
    .filter((version) => version.fields.length);
  const toggle = (name: string, on: boolean) =>
    onChange(on ? [...chosen, name] : chosen.filter((other) => other !== name));
  return (
    <section className="picker" aria-label="All fields">
      <SearchField label="Search fields" value={words} onChange={setWords} />
      <div className="picker-list">
        {groups.map((version) => (
          <fieldset key={version.version}>
            <legend>
              {version.title}
              <button
                type="button"
                className="link"
                onClick={() => onChange(withAll(chosen, version.fields))}
              >
                Add all
              </button>
            </legend>
            {version.fields.map((field) => (
              <Checkbox
                key={field.name}
                checked={picked.has(field.name)}
                onChange={(on) => toggle(field.name, on)}
                label={<span className="mono">{field.name}</span>}
                hint={field.summary}
              />
            ))}
          </fieldset>
        ))}
        {!groups.length && <p className="quiet-text">No field fits.</p>}
      </div>
    </section>
  );
}

function withAll(chosen: string[], fields: { name: string }[]): string[] {
  const names = fields.map(({ name }) => name);
  return [...chosen, ...names.filter((name) => !chosen.includes(name))];
}
