import { useEffect, useRef } from "react";
import type { Fault } from "../../api/fault";
import type { FieldEntry } from "../../api/types";
import { createEditor, type Editor } from "./editor";

interface SqlEditorProps {
  value: string;
  onChange: (text: string) => void;
  /** Ctrl-Enter. */
  onRun: () => void;
  /** What the server said of this very text. */
  fault?: Fault;
  fields: FieldEntry[];
  label?: string;
}

/** A field for SQL: colours, completion, and a wave under what is wrong. */
export default function SqlEditor({
  value,
  onChange,
  onRun,
  fault,
  fields,
  label,
}: SqlEditorProps) {
  const box = useRef<HTMLDivElement>(null);
  const editor = useRef<Editor | null>(null);
  const latest = useRef({ value, onChange, onRun });
  latest.current = { value, onChange, onRun };
  useEffect(() => {
    if (!box.current) return;
    const made = createEditor(box.current, {
      text: latest.current.value,
      label: label ?? "SQL",
      onChange: (text) => latest.current.onChange(text),
      onRun: () => latest.current.onRun(),
    });
    editor.current = made;
    return () => made.destroy();
  }, [label]);
  useEffect(() => editor.current?.setText(value), [value]);
  useEffect(() => editor.current?.setFields(fields), [fields]);
  useEffect(() => editor.current?.setFault(fault), [fault]);
  return <div ref={box} className="sql-editor" />;
}
