import { type KeyboardEvent, useRef, useState } from "react";

export interface DrillItem {
  key: string;
  /** What is read out and shown: name and value. */
  text: string;
  onPick: () => void;
}

/**
 * The way into a picture by keyboard: a list of its parts that shows itself when it has the focus.
 * One stop of the Tab key; arrow keys move, Enter picks.
 */
export function DrillList({ label, items }: { label: string; items: readonly DrillItem[] }) {
  const list = useRef<HTMLUListElement>(null);
  const [current, setCurrent] = useState(0);
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    const edge = { Home: 0, End: items.length - 1 }[event.key];
    if (step === undefined && edge === undefined) return;
    event.preventDefault();
    const next = edge ?? Math.min(items.length - 1, Math.max(0, current + (step ?? 0)));
    setCurrent(next);
    list.current?.querySelectorAll("button")[next]?.focus();
  };
  if (items.length === 0) return null;
  const stop = Math.min(current, items.length - 1);
  return (
    <ul ref={list} className="drill-list" aria-label={label} onKeyDown={onKeyDown}>
      {items.map((item, index) => (
        <li key={item.key}>
          <button
            type="button"
            tabIndex={index === stop ? 0 : -1}
            onFocus={() => setCurrent(index)}
            onClick={item.onPick}
          >
            {item.text}
          </button>
        </li>
      ))}
    </ul>
  );
}
