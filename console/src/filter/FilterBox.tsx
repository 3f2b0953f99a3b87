import { Copy, Filter as FilterIcon, X } from "lucide-react";
import { type KeyboardEvent, useEffect, useId, useRef, useState } from "react";
import { send } from "../api/client";
import { type Fault, faultOf, isAbort } from "../api/fault";
import { setFilter, useFilter } from "../state/filter";
import { IconButton } from "../ui/Button";
import { copyText } from "../ui/clipboard";
import { finished, inserted, type Suggestion, typingOf } from "./completion";
import { joinTerms, partsOf, splitTerms } from "./terms";
import { useCompletion } from "./useCompletion";

export interface FilterBoxProps {
  /** The filter's text. */
  value: string;
  onChange: (text: string) => void;
  label?: string;
  placeholder?: string;
  /** Whether `/` goes here. */
  main?: boolean;
}

/** The filter of the page, in the address. */
export function PageFilter() {
  const { text } = useFilter();
  return <FilterBox value={text} onChange={setFilter} main />;
}

/** A filter as chips and free text, with completion; what is wrong is said beneath. */
export function FilterBox({ value, onChange, label = "Filter", ...rest }: FilterBoxProps) {
  const input = useRef<HTMLInputElement>(null);
  const box = useFilterBox(value, onChange, input);
  const { typed, open, at, fault, terms, suggestions } = box;
  const listId = useId();
  const shown = open && suggestions.length > 0;
  const example = rest.placeholder ?? "Add a filter, like srcaddr in 10.20.0.0/16 and bytes > 1MB";
  return (
    <div className={`filter ${fault ? "faulty" : ""}`}>
      <div className="filter-field" onPointerDown={(event) => focusOnGap(event, input.current)}>
        <FilterIcon size={14} aria-hidden />
        {terms.map((term, index) => (
          <TermChip
            key={term}
            term={term}
            onEdit={() => box.edit(index)}
            onRemove={() => box.remove(index)}
          />
        ))}
        <input
          ref={input}
          role="combobox"
          aria-label={label}
          aria-expanded={shown}
          aria-controls={shown ? listId : undefined}
          aria-autocomplete="list"
          aria-activedescendant={shown && at >= 0 ? `${listId}-${at}` : undefined}
          aria-invalid={fault ? true : undefined}
          aria-busy={box.checking || undefined}
          data-filter-input={rest.main ? "" : undefined}
          autoComplete="off"
          spellCheck={false}
          placeholder={terms.length ? "Add a filter" : example}
          value={typed}
          onChange={(event) => box.change(event.target.value)}
          onFocus={() => box.setOpen(true)}
          onBlur={() => box.setOpen(false)}
          onKeyDown={box.press}
        />
        {value && <FilterTools value={value} onClear={() => onChange("")} />}
      </div>
      {shown && <Suggestions id={listId} at={at} suggestions={suggestions} onChoose={box.choose} />}
      {fault && <FilterFault fault={fault} text={finished(typed)} />}
    </div>
  );
}

function useFilterBox(
  value: string,
  onChange: (text: string) => void,
  input: { current: HTMLInputElement | null },
) {
  const [typed, setTyped] = useState("");
  const [open, setOpen] = useState(false);
  const [at, setAt] = useState(-1);
  const { fault, check, checking, clear } = useCheck();
  const terms = splitTerms(value);
  const suggestions = useCompletion(typed, open, value);
  const change = (text: string) => {
    setTyped(text);
    setAt(-1);
    setOpen(true);
    clear();
  };
  const latest = useRef({ value, onChange });
  latest.current = { value, onChange };
  const submit = async (text: string) => {
    const whole = finished(text);
    if (!whole) return;
    setOpen(false);
    if (!(await check(whole))) return;
    // What was typed or clicked while the server looked at it stays.
    setTyped((now) => (now === text ? "" : now));
    latest.current.onChange(withTerms(latest.current.value, whole));
  };
  const choose = (suggestion: Suggestion) => {
    const text = inserted(typed, typingOf(typed), suggestion);
    change(text);
    if (suggestion.ends) submit(text);
    input.current?.focus();
  };
  const remove = (index: number) => {
    onChange(joinTerms(terms.filter((_, place) => place !== index)));
    input.current?.focus();
  };
  const edit = (index: number) => {
    change(terms[index] ?? "");
    remove(index);
  };
  const press = keyHandler({
    typed,
    at,
    setAt,
    suggestions,
    open,
    setOpen,
    choose,
    submit: () => submit(typed),
    removeLast: () => terms.length && remove(terms.length - 1),
  });
  return {
    typed,
    open,
    setOpen,
    at,
    fault,
    checking,
    terms,
    suggestions,
    change,
    choose,
    remove,
    edit,
    press,
  };
}

/** A filter with more terms; those that it has are not said twice. */
function withTerms(value: string, more: string): string {
  const terms = splitTerms(value);
  return joinTerms([...terms, ...splitTerms(more).filter((term) => !terms.includes(term))]);
}

function FilterTools({ value, onClear }: { value: string; onClear: () => void }) {
  return (
    <span className="filter-tools">
      <IconButton
        label="Copy the filter"
        icon={<Copy size={13} />}
        onClick={() => copyText(value, "Copied the filter")}
      />
      <IconButton label="Clear the filter" icon={<X size={14} />} onClick={onClear} />
    </span>
  );
}

function focusOnGap(
  event: { target: EventTarget; currentTarget: EventTarget; preventDefault: () => void },
  input: HTMLInputElement | null,
): void {
  if (event.target !== event.currentTarget) return;
  event.preventDefault();
  input?.focus();
}

interface Keys {
  typed: string;
  at: number;
  setAt: (at: number) => void;
  suggestions: Suggestion[];
  open: boolean;
  setOpen: (open: boolean) => void;
  choose: (suggestion: Suggestion) => void;
  submit: () => void;
  removeLast: () => void;
}

function keyHandler(keys: Keys) {
  const count = keys.suggestions.length;
  return (event: KeyboardEvent) => {
    const chosen = keys.suggestions[keys.at];
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      keys.setOpen(true);
      const by = event.key === "ArrowDown" ? 1 : -1;
      // -1 is the field itself, before the first suggestion.
      if (count) keys.setAt(((keys.at + 1 + by + count + 1) % (count + 1)) - 1);
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (chosen) keys.choose(chosen);
      else keys.submit();
    } else if (event.key === "Tab" && keys.open && keys.typed && count && !event.shiftKey) {
      event.preventDefault();
      keys.choose(chosen ?? (keys.suggestions[0] as Suggestion));
    } else if (event.key === "Backspace" && !keys.typed) {
      keys.removeLast();
    } else if (event.key === "Escape") {
      if (!keys.open) (event.target as HTMLElement).blur();
      keys.setOpen(false);
      keys.setAt(-1);
      event.stopPropagation();
    }
  };
}

/** Asks the server whether a filter can be read. */
function useCheck() {
  const [fault, setFault] = useState<Fault>();
  const [checking, setChecking] = useState(false);
  const stop = useRef<AbortController | null>(null);
  useEffect(() => () => stop.current?.abort(), []);
  const check = async (text: string): Promise<boolean> => {
    stop.current?.abort();
    const own = new AbortController();
    stop.current = own;
    setChecking(true);
    try {
      await send("POST", "/filter", { text }, { signal: own.signal });
      setFault(undefined);
      return true;
    } catch (error) {
      if (!isAbort(error)) setFault(faultOf(error));
      return false;
    } finally {
      if (stop.current === own) setChecking(false);
    }
  };
  return { fault, check, checking, clear: () => setFault(undefined) };
}

interface TermChipProps {
  term: string;
  onEdit?: () => void;
  onRemove?: () => void;
}

/** A part of a filter as a chip. */
export function TermChip({ term, onEdit, onRemove }: TermChipProps) {
  const { negated, field, rest } = partsOf(term);
  const text = (
    <>
      {negated && <b>not </b>}
      {field && (negated ? field : <b>{field}</b>)} {rest}
    </>
  );
  return (
    <span className={`chip ${negated ? "not" : ""}`}>
      {onEdit ? (
        <button type="button" className="chip-text" title="Edit" onClick={onEdit}>
          {text}
        </button>
      ) : (
        <span className="chip-text">{text}</span>
      )}
      {onRemove && (
        <button
          type="button"
          className="chip-remove"
          aria-label={`Remove ${term}`}
          onClick={onRemove}
        >
          <X size={12} aria-hidden />
        </button>
      )}
    </span>
  );
}

interface SuggestionsProps {
  id: string;
  at: number;
  suggestions: Suggestion[];
  onChoose: (suggestion: Suggestion) => void;
}

function Suggestions({ id, at, suggestions, onChoose }: SuggestionsProps) {
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    list.current?.children[at]?.scrollIntoView({ block: "nearest" });
  }, [at]);
  return (
    <div ref={list} id={id} role="listbox" aria-label="Suggestions" className="filter-list">
      {suggestions.map((suggestion, index) => (
        <div
          key={suggestion.label}
          id={`${id}-${index}`}
          role="option"
          tabIndex={-1}
          aria-selected={index === at}
          // On press, since the field loses its focus before a click.
          onPointerDown={(event) => {
            event.preventDefault();
            onChoose(suggestion);
          }}
        >
          <span className="mono">{suggestion.label}</span>
          <span className="note num">{suggestion.note}</span>
        </div>
      ))}
    </div>
  );
}

/** What is wrong with a filter, and where. */
export function FilterFault({ fault, text }: { fault: Fault; text: string }) {
  const at = fault.position;
  return (
    <div className="filter-fault" role="alert">
      {fault.message}
      {fault.hint && `; ${fault.hint}`}
      {at !== null && at <= text.length && (
        <pre>
          {text.slice(0, at)}
          <mark>{/^\S+/.exec(text.slice(at))?.[0] ?? " "}</mark>
          {text.slice(at).replace(/^\S+/, "")}
        </pre>
      )}
    </div>
  );
}
