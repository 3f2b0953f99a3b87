import { ChevronDown, ChevronUp, GripVertical, X } from "lucide-react";
import { type KeyboardEvent, useRef, useState } from "react";
import type { FieldEntry } from "../../api/types";
import { Button, IconButton } from "../../ui/Button";
import { Drawer } from "../../ui/Dialog";
import { Checkbox, TextField } from "../../ui/Field";
import { COLUMNS_MAX, grouped, moved } from "./columns";

export interface ColumnPickerProps {
  shown: string[];
  fields: FieldEntry[];
  onChange: (names: string[] | null) => void;
  onClose: () => void;
}

/** Which fields the table shows and in which order. */
export function ColumnPicker({ shown, fields, onChange, onClose }: ColumnPickerProps) {
  const [word, setWord] = useState("");
  const groups = grouped(fields, word);
  const toggle = (name: string, on: boolean) =>
    onChange(on ? [...shown, name] : shown.filter((one) => one !== name));
  const footer = (
    <>
      <Button kind="quiet" onClick={() => onChange(null)}>
        Default columns
      </Button>
      <Button kind="primary" onClick={onClose}>
        Done
      </Button>
    </>
  );
  return (
    <Drawer title="Columns" onClose={onClose} footer={footer}>
      <div className="stack">
        <ShownColumns shown={shown} fields={fields} onChange={onChange} />
        <TextField
          label="All fields"
          type="search"
          placeholder="Search by name or meaning"
          value={word}
          onChange={setWord}
        />
        {groups.map(({ group, fields: own }) => (
          <section key={group} className="column-group" aria-label={group}>
            <h3>{group}</h3>
            {own.map((field) => (
              <Checkbox
                key={field.name}
                label={
                  <>
                    <span className="mono">{field.name}</span>{" "}
                    {field.present === false && <span className="quiet-text">no values</span>}
                  </>
                }
                hint={field.summary}
                checked={shown.includes(field.name)}
                disabled={
                  shown.includes(field.name) ? shown.length === 1 : shown.length >= COLUMNS_MAX
                }
                onChange={(on) => toggle(field.name, on)}
              />
            ))}
          </section>
        ))}
        {!groups.length && <p className="quiet-text">No field is called like this.</p>}
      </div>
    </Drawer>
  );
}

function ShownColumns({
  shown,
  fields,
  onChange,
}: Pick<ColumnPickerProps, "shown" | "fields" | "onChange">) {
  const [dragged, setDragged] = useState<number | null>(null);
  const list = useRef<HTMLOListElement>(null);
  const move = (from: number, to: number) => {
    if (to < 0 || to >= shown.length) return;
    onChange(moved(shown, from, to));
    requestAnimationFrame(() => list.current?.children[to]?.querySelector("button")?.focus());
  };
  const press = (event: KeyboardEvent, at: number) => {
    const to = { ArrowUp: at - 1, ArrowDown: at + 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    move(at, to);
  };
  return (
    <section className="column-shown" aria-label="Shown columns">
      <h3>Shown, in this order</h3>
      <ol ref={list}>
        {shown.map((name, at) => {
          const label = fields.find((field) => field.name === name)?.label ?? "";
          return (
            <li
              key={name}
              draggable
              className={dragged === at ? "dragged" : ""}
              onDragStart={(event) => {
                event.dataTransfer.effectAllowed = "move";
                setDragged(at);
              }}
              onDragEnd={() => setDragged(null)}
              onDragOver={(event) => {
                event.preventDefault();
                if (dragged === null || dragged === at) return;
                onChange(moved(shown, dragged, at));
                setDragged(at);
              }}
            >
              <Column
                name={name}
                label={label}
                at={at}
                of={shown.length}
                onPress={(event) => press(event, at)}
                onMove={(to) => move(at, to)}
                onHide={() => onChange(shown.filter((one) => one !== name))}
              />
            </li>
          );
        })}
      </ol>
    </section>
  );
}

interface ColumnProps {
  name: string;
  label: string;
  at: number;
  of: number;
  onPress: (event: KeyboardEvent) => void;
  onMove: (to: number) => void;
  onHide: () => void;
}

function Column({ name, label, at, of, onPress, onMove, onHide }: ColumnProps) {
  return (
    <>
      <button
        type="button"
        className="tool"
        aria-label={`Move ${name}: arrow keys up and down`}
        onKeyDown={onPress}
      >
        <GripVertical size={14} aria-hidden />
      </button>
      <span className="mono">{name}</span>
      <span className="quiet-text">{label}</span>
      <IconButton
        label={`Move ${name} up`}
        icon={<ChevronUp size={14} />}
        disabled={at === 0}
        onClick={() => onMove(at - 1)}
      />
      <IconButton
        label={`Move ${name} down`}
        icon={<ChevronDown size={14} />}
        disabled={at === of - 1}
        onClick={() => onMove(at + 1)}
      />
      <IconButton
        label={`Hide ${name}`}
        icon={<X size={14} />}
        disabled={of === 1}
        onClick={onHide}
      />
    </>
  );
}
