import { CircleAlert, CircleCheck, X } from "lucide-react";
import { useEffect, useRef } from "react";
import { createStore } from "../state/store";
import { IconButton } from "./Button";

interface Note {
  id: number;
  text: string;
  kind: "ok" | "error";
  action?: { label: string; run: () => void };
}

/** Notes shown at once, and how long one stays. */
const NOTES_MAX = 4;
const STAY_MS = 6_000;
const notes = createStore<Note[]>([]);
let counter = 0;

/** Tells the reader something that happened, without asking for anything. */
export function toast(
  text: string,
  options: { kind?: Note["kind"]; action?: Note["action"] } = {},
): void {
  const note: Note = { id: counter++, text, kind: options.kind ?? "ok", action: options.action };
  notes.set([...notes.get(), note].slice(-NOTES_MAX));
}

function dismiss(id: number): void {
  notes.set(notes.get().filter((note) => note.id !== id));
}

/** Where toasts appear; once in the app. */
export function Toasts() {
  const shown = notes.use();
  const box = useRef<HTMLElement>(null);
  useEffect(() => {
    // Shown anew with each note, which puts it over a dialog that has opened meanwhile.
    box.current?.hidePopover();
    if (shown.length) box.current?.showPopover();
  }, [shown]);
  return (
    <section ref={box} popover="manual" className="toasts" aria-live="polite" aria-label="Messages">
      {shown.map((note) => (
        <Line key={note.id} note={note} />
      ))}
    </section>
  );
}

function Line({ note }: { note: Note }) {
  useEffect(() => {
    const timer = window.setTimeout(() => dismiss(note.id), STAY_MS);
    return () => window.clearTimeout(timer);
  }, [note.id]);
  return (
    <div className={`toast ${note.kind}`}>
      {note.kind === "ok" ? <CircleCheck size={16} /> : <CircleAlert size={16} />}
      <span>{note.text}</span>
      {note.action && (
        <button
          type="button"
          className="link"
          onClick={() => {
            dismiss(note.id);
            note.action?.run();
          }}
        >
          {note.action.label}
        </button>
      )}
      <IconButton label="Dismiss" icon={<X size={14} />} onClick={() => dismiss(note.id)} />
    </div>
  );
}
