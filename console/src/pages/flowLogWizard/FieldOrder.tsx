import { GripVertical, X } from "lucide-react";
import { type DragEvent, type HTMLAttributes, type KeyboardEvent, useRef, useState } from "react";
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
  const drag = useDrag(move);
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
          <OrderedField
            // biome-ignore lint/suspicious/noArrayIndexKey: a name may stand twice while typed
            key={`${name} ${index}`}
            name={name}
            place={`${index + 1} of ${chosen.length}`}
            summary={known.get(name)?.summary}
            {...drag.of(index, name)}
            onPress={(event) => press(event, index)}
            onRemove={() => onChange(chosen.filter((_, at) => at !== index))}
          />
        ))}
      </ol>
      <p className="sr" aria-live="assertive">
        {said}
      </p>
    </section>
  );
}

/** Which field is dragged over which; `of` is what each field is given. */
function useDrag(move: (from: number, to: number) => void) {
  const [dragged, setDragged] = useState<number | null>(null);
  const [over, setOver] = useState<number | null>(null);
  const end = () => {
    setDragged(null);
    setOver(null);
  };
  const of = (index: number, name: string) => ({
    state: `${over === index ? "over" : ""} ${dragged === index ? "dragged" : ""}`,
    onDragStart: (event: DragEvent) => {
      event.dataTransfer.effectAllowed = "move";
      event.dataTransfer.setData("text/plain", name);
      setDragged(index);
    },
    onDragOver: (event: DragEvent) => {
      event.preventDefault();
      setOver(index);
    },
    onDragEnd: end,
    onDrop: (event: DragEvent) => {
      event.preventDefault();
      if (dragged !== null) move(dragged, index);
      end();
    },
  });
  return { of };
}

interface OrderedFieldProps
  extends Pick<
    HTMLAttributes<HTMLLIElement>,
    "onDragStart" | "onDragOver" | "onDragEnd" | "onDrop"
  > {
  name: string;
  place: string;
  /** Undefined for a name that no field has. */
  summary: string | undefined;
  state: string;
  onPress: (event: KeyboardEvent) => void;
  onRemove: () => void;
}

function OrderedField(props: OrderedFieldProps) {
  const { name, place, summary, state, onPress, onRemove, ...drag } = props;
  return (
    <li draggable className={`${state} ${summary === undefined ? "unknown" : ""}`} {...drag}>
      <button
        type="button"
        className="grip tool"
        aria-label={`Move ${name}, ${place}`}
        onKeyDown={onPress}
      >
        <GripVertical size={13} aria-hidden />
      </button>
      <span className="mono" title={summary ?? "no field of this name is known"}>
        {name || "(empty)"}
      </span>
      <IconButton label={`Remove ${name}`} icon={<X size={12} />} onClick={onRemove} />
    </li>
  );
}
