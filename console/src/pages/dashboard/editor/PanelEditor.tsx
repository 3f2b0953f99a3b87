import { X } from "lucide-react";
import { useEffect, useMemo, useRef, useState } from "react";
import { FilterBox } from "../../../filter/FilterBox";
import type { Scope } from "../../../panels/ask";
import type { DashboardPanel, Query } from "../../../panels/document";
import { Button, IconButton } from "../../../ui/Button";
import { TextArea, TextField } from "../../../ui/Field";
import { choicesOf, isBuilt, newPanel, withChoices, withKind } from "./build";
import "./editor.css";
import { KindTiles } from "./KindTiles";
import { MeasureField, SplitField } from "./MeasureAndSplit";
import { Preview } from "./Preview";
import { QueryField } from "./QueryField";

export interface PanelEditorProps {
  /** What is edited; undefined makes a new one. */
  panel: DashboardPanel | undefined;
  panels: readonly DashboardPanel[];
  scope: Scope;
  onClose: () => void;
  onPanel: (panel: DashboardPanel) => void;
}

/** How long one may type before the preview asks anew. */
const SETTLE_MS = 400;

/** The drawer in which a panel is made; the dashboard beside it shrinks. */
export default function PanelEditor({ panel, panels, scope, onClose, onPanel }: PanelEditorProps) {
  const first = useMemo(() => panel ?? newPanel(panels), [panel, panels]);
  const [draft, setDraft] = useState(first);
  const [fault, setFault] = useState("");
  const settled = useSettled(draft);
  const asks = draft.kind !== "text" && draft.kind !== "findings";
  const setQuery = (query: Query) =>
    setDraft({ ...draft, query: { ...query, filter: draft.query?.filter ?? "" } });
  const title = useRef<HTMLInputElement>(null);
  useEffect(() => title.current?.focus(), []);
  const done = () => onPanel({ ...draft, title: draft.title.trim() || titleOf(draft) });
  return (
    <aside
      className="panel-editor"
      aria-label={panel ? `Edit ${panel.title}` : "New panel"}
      onKeyDown={(event) => event.key === "Escape" && onClose()}
    >
      <header>
        <h2>{panel ? "Edit panel" : "New panel"}</h2>
        <IconButton label="Close" icon={<X size={16} />} onClick={onClose} />
      </header>
      <div className="editor-body">
        <TextField
          ref={title}
          label="Title"
          value={draft.title}
          placeholder={titleOf(draft)}
          maxLength={200}
          onChange={(text) => setDraft({ ...draft, title: text })}
        />
        <KindTiles kind={draft.kind} onKind={(kind) => setDraft(withKind(draft, kind))} />
        {draft.kind === "text" && (
          <TextArea
            label="Text"
            rows={6}
            hint="An empty line begins a paragraph."
            value={draft.options.text ?? ""}
            onChange={(text) => setDraft({ ...draft, options: { ...draft.options, text } })}
          />
        )}
        {asks && <MeasureField panel={draft} onPanel={setDraft} />}
        {isBuilt(draft) && (
          <SplitField
            choices={choicesOf(draft)}
            onChoices={(choices) => setDraft(withChoices(draft, choices))}
          />
        )}
        {draft.kind !== "text" && (
          <div className="field">
            <span className="field-label">Only this panel</span>
            <FilterBox
              label="Filter of this panel"
              placeholder="Add a filter"
              value={draft.query?.filter ?? ""}
              onChange={(filter) => setDraft({ ...draft, query: { ...draft.query, filter } })}
            />
          </div>
        )}
        {asks && <QueryField panel={draft} onQuery={setQuery} onFault={setFault} />}
        <Preview panel={settled} scope={scope} />
      </div>
      <footer>
        <Button onClick={onClose}>Cancel</Button>
        <Button kind="primary" disabled={fault !== ""} onClick={done}>
          {panel ? "Update panel" : "Add to dashboard"}
        </Button>
      </footer>
    </aside>
  );
}

/** A title for a panel that has none. */
function titleOf(panel: DashboardPanel): string {
  if (panel.kind === "text") return "Text";
  if (panel.query?.sql) return "Query";
  const { measure, by } = choicesOf(panel);
  const what =
    measure === "records" ? "Flow records" : measure[0]?.toUpperCase() + measure.slice(1);
  if (!isBuilt(panel)) return (panel.query?.question ?? "Panel").replace(/_/g, " ");
  return by.length > 0 ? `${what} by ${by.join(", ")}` : what;
}

/** A value once it has not changed for a while. */
function useSettled<T>(value: T): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = window.setTimeout(() => setSettled(value), SETTLE_MS);
    return () => window.clearTimeout(timer);
  }, [value]);
  return settled;
}
