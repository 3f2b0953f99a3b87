import { type KeyboardEvent, useEffect, useId, useRef, useState } from "react";
import type { Choice } from "./Field";
import { Field } from "./Field";
import { stepOf } from "./Menu";

export interface ComboboxProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
  choices: (Choice & { note?: string })[];
  hint?: string;
  error?: string;
  placeholder?: string;
  hideLabel?: boolean;
  mono?: boolean;
  /** Whether a value besides the choices may be typed. */
  free?: boolean;
}

/** Choices shown at once. */
const SHOWN_MAX = 60;

/** One of many values, found by typing. */
export function Combobox(props: ComboboxProps) {
  const { value, onChange, choices, free } = props;
  const [typed, setTyped] = useState<string | null>(null);
  const [at, setAt] = useState(0);
  const list = useId();
  const input = useRef<HTMLInputElement>(null);
  const shown = fitting(choices, typed ?? "");
  const open = typed !== null && shown.length > 0;
  const choose = (next: string) => {
    onChange(next);
    setTyped(null);
  };
  const leave = () => {
    if (typed !== null && free && typed !== "") onChange(typed);
    setTyped(null);
  };
  const press = (event: KeyboardEvent) => {
    const next = stepOf(event.key, at, shown.length);
    if (next !== undefined && event.key.startsWith("Arrow")) {
      event.preventDefault();
      if (open) setAt(next);
      else setTyped("");
    } else if (event.key === "Enter" && open) {
      event.preventDefault();
      choose(shown[at]?.value ?? value);
    } else if (event.key === "Escape" && open) {
      event.stopPropagation();
      event.preventDefault();
      setTyped(null);
    }
  };
  const label = choices.find((choice) => choice.value === value)?.label ?? value;
  return (
    <Field label={props.label} hint={props.hint} error={props.error} hideLabel={props.hideLabel}>
      {(ids) => (
        <div className="combo">
          <input
            {...ids}
            ref={input}
            role="combobox"
            className={`input ${props.mono ? "mono" : ""}`}
            aria-expanded={open}
            aria-controls={open ? list : undefined}
            aria-activedescendant={open ? `${list}-${at}` : undefined}
            aria-autocomplete="list"
            autoComplete="off"
            spellCheck={false}
            placeholder={props.placeholder}
            value={typed ?? label}
            onFocus={(event) => event.target.select()}
            onClick={() => setTyped((before) => before ?? "")}
            onBlur={leave}
            onChange={(event) => {
              setTyped(event.target.value);
              setAt(0);
            }}
            onKeyDown={press}
          />
          {open && (
            <Choices id={list} label={props.label} shown={shown} at={at} onChoose={choose} />
          )}
        </div>
      )}
    </Field>
  );
}

function fitting(choices: ComboboxProps["choices"], typed: string): ComboboxProps["choices"] {
  const word = typed.toLowerCase();
  return choices
    .filter(({ label, value, note = "" }) =>
      `${label} ${value} ${note}`.toLowerCase().includes(word),
    )
    .slice(0, SHOWN_MAX);
}

interface ChoicesProps {
  id: string;
  label: string;
  shown: ComboboxProps["choices"];
  at: number;
  onChoose: (value: string) => void;
}

function Choices({ id, label, shown, at, onChoose }: ChoicesProps) {
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    list.current?.children[at]?.scrollIntoView({ block: "nearest" });
  }, [at]);
  return (
    <div ref={list} id={id} role="listbox" aria-label={label} className="filter-list">
      {shown.map((choice, index) => (
        <div
          key={choice.value}
          id={`${id}-${index}`}
          role="option"
          tabIndex={-1}
          aria-selected={index === at}
          // On press, since the field loses its focus before a click.
          onPointerDown={(event) => {
            event.preventDefault();
            onChoose(choice.value);
          }}
        >
          <span>{choice.label}</span>
          {choice.note && <span className="note">{choice.note}</span>}
        </div>
      ))}
    </div>
  );
}
