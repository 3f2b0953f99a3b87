import { GripVertical, X } from "lucide-react";
import { type KeyboardEvent, useRef, useState } from "react";
import type { FlowLogFields } from "../../api/schema";
import { IconButton } from "../../ui/Button";
import { moved } from "./format";

export interface FieldOrderProps {
  fields: FlowLogFields;
  chosen: string[];
  onChange: (chosen: string[]) => void;
}

/** The chosen fields in their order: dragged, or moved with Alt and the arrow keys. */
export function FieldOrder({ fields, chosen, onChange }: FieldOrderProps) {
  const known = new Map(
    fields.versions.flatMap((version) => version.fields.map((field) => [field.name, field])),
  );
  const [dragged, setDragged] = useState<number | null>(null);
  const [over, setOver] = useState<number | null>(null);
  const [said, setSaid] = useState("");
  const list = useRef<HTMLOListElement>(null);
  const focus = (index: number) =>
    requestAnimationFrame(() =>
      list.current?.querySelectorAll<HTMLElement>(".grip")[index]?.focus(),
    );
  const move = (from: number, to: number) => {
    const end = Math.max(0, Math.min(chosen.length - 1, to));
    if (from === end) return;
    onChange(moved(chosen, from, end));
    setSaid(`${chosen[from]} is now ${end + 1} of ${chosen.length}`);
    focus(end);
  };
  const press = (event: KeyboardEvent, index: number) => {
    const to = { ArrowUp: index - 1, ArrowDown: index + 1, Home: 0, End: chosen.length - 1 }[
      event.key
    ];
    if (to !== undefined) {
      event.preventDefault();
      move(index, to);
    } else if (event.key === "Delete" || event.key === "Backspace") {
      event.preventDefault();
      onChange(chosen.filter((_, at) => at !== index));
      focus(Math.min(index, chosen.length - 2));
    }
  };
  return (
    <section className="picker" aria-label="Fields of the record in their order">
      <p className="quiet-text order-hint">
        {chosen.length} field{chosen.length === 1 ? "" : "s"}: drag, or arrow keys on the grip
      </p>
      <ol ref={list} className="order">
        {chosen.map((name, index) => (
          <li
            // biome-ignore lint/suspicious/noArrayIndexKey: a name may stand twice while typed
            key={`${name} ${index}`}
            draggable
            className={`${over === index ? "over" : ""} ${dragged === index ? "dragged" : ""} ${known.has(name) ? "" : "unknown"}`}
            onDragStart={(event) => {
              event.dataTransfer.effectAllowed = "move";
              event.dataTransfer.setData("text/plain", name);
              setDragged(index);
            }}
            onDragOver={(event) => {
              event.preventDefault();
              setOver(index);
            }}
            onDragEnd={() => {
              setDragged(null);
              setOver(null);
            }}
            onDrop={(event) => {
              event.preventDefault();
              if (dragged !== null) move(dragged, index);
              setDragged(null);
              setOver(null);
            }}
          >
            <button
              type="button"
              className="grip tool"
              aria-label={`Move ${name}, ${index + 1} of ${chosen.length}`}
              onKeyDown={(event) => press(event, index)}
            >
              <GripVertical size={13} aria-hidden />
            </button>
            <span
              className="mono"
              title={known.get(name)?.summary ?? "no field of this name is known"}
            >
              {name || "(empty)"}
            </span>
            <IconButton
              label={`Remove ${name}`}
              icon={<X size={12} />}
              onClick={() => onChange(chosen.filter((_, at) => at !== index))}
            />
          </li>
        ))}
      </ol>
      <p className="sr" aria-live="assertive">
        {said}
      </p>
    </section>
  );
}
