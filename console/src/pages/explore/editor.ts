import {
  acceptCompletion,
  autocompletion,
  closeBrackets,
  closeBracketsKeymap,
  completionKeymap,
} from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, toggleComment } from "@codemirror/commands";
import { bracketMatching, HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { lintGutter, setDiagnostics } from "@codemirror/lint";
import { Compartment, EditorState, Prec } from "@codemirror/state";
import { drawSelection, EditorView, keymap, lineNumbers, placeholder } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import type { Fault } from "../../api/fault";
import type { FieldEntry } from "../../api/types";
import { sqlLanguage } from "./editorLanguage";
import { placeOf } from "./sqlAnswer";

export interface Editor {
  setText(text: string): void;
  setFields(fields: FieldEntry[]): void;
  setFault(fault: Fault | undefined): void;
  destroy(): void;
}

interface EditorOptions {
  text: string;
  label: string;
  onChange: (text: string) => void;
  onRun: () => void;
}

/** An editor for SQL inside `parent`. */
export function createEditor(parent: HTMLElement, options: EditorOptions): Editor {
  const language = new Compartment();
  const run = () => {
    options.onRun();
    return true;
  };
  const view = new EditorView({
    parent,
    state: EditorState.create({
      doc: options.text,
      extensions: [
        Prec.highest(
          keymap.of([
            { key: "Mod-Enter", run },
            { key: "Ctrl-Enter", run },
          ]),
        ),
        // Tab leaves the editor, as everywhere on the page, but for taking a completion.
        keymap.of([
          { key: "Tab", run: acceptCompletion },
          { key: "Mod-/", run: toggleComment },
          ...closeBracketsKeymap,
          ...completionKeymap,
          ...historyKeymap,
          ...defaultKeymap,
        ]),
        lineNumbers(),
        history(),
        drawSelection(),
        closeBrackets(),
        bracketMatching(),
        autocompletion({ icons: false }),
        lintGutter(),
        language.of(sqlLanguage([])),
        syntaxHighlighting(COLOURS),
        THEME,
        EditorView.lineWrapping,
        placeholder("SELECT … FROM flow_records WHERE $time AND $filters"),
        EditorView.contentAttributes.of({
          "aria-label": options.label,
          spellcheck: "false",
          "data-sql": "",
        }),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) options.onChange(update.state.doc.toString());
        }),
      ],
    }),
  });
  return {
    setText(text) {
      const before = view.state.doc.toString();
      if (text === before) return;
      view.dispatch({ changes: { from: 0, to: before.length, insert: text } });
    },
    setFields: (fields) => view.dispatch({ effects: language.reconfigure(sqlLanguage(fields)) }),
    setFault: (fault) => view.dispatch(setDiagnostics(view.state, marksOf(view, fault))),
    destroy: () => view.destroy(),
  };
}

function marksOf(view: EditorView, fault: Fault | undefined) {
  if (fault?.position === null || fault?.position === undefined) return [];
  const text = view.state.doc.toString();
  const at = Math.min(placeOf(text, fault.position), Math.max(0, text.length - 1));
  const word = /^(\w+|'[^']*'|.)/.exec(text.slice(at))?.[0] ?? " ";
  const message = fault.hint ? `${fault.message}; ${fault.hint}` : fault.message;
  const to = Math.min(text.length, at + word.length);
  return [{ from: at, to, severity: "error" as const, message }];
}

const COLOURS = HighlightStyle.define([
  { tag: tags.keyword, color: "var(--accent)", fontWeight: "600" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--ok)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--sql-number)" },
  { tag: [tags.comment], color: "var(--text-3)", fontStyle: "italic" },
  { tag: [tags.standard(tags.name), tags.function(tags.variableName)], color: "var(--sql-call)" },
  { tag: [tags.typeName], color: "var(--sql-call)" },
  { tag: tags.special(tags.name), color: "var(--warn)", fontWeight: "600" },
]);

const THEME = EditorView.theme({
  "&": { height: "100%", color: "var(--text)", backgroundColor: "var(--surface)" },
  // The frame around it shows the focus.
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mono)", fontSize: "12.5px", lineHeight: "1.6" },
  ".cm-content": { caretColor: "var(--text)", padding: "10px 0" },
  ".cm-cursor": { borderLeftColor: "var(--text)" },
  ".cm-gutters": {
    backgroundColor: "var(--surface)",
    color: "var(--text-3)",
    border: "none",
    paddingLeft: "6px",
  },
  ".cm-placeholder": { color: "var(--text-3)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground":
    { backgroundColor: "color-mix(in srgb, var(--accent) 28%, transparent)" },
  ".cm-matchingBracket": { backgroundColor: "var(--accent-soft)", outline: "none" },
  ".cm-tooltip": {
    backgroundColor: "var(--surface)",
    color: "var(--text)",
    border: "1px solid var(--line-strong)",
    borderRadius: "6px",
    boxShadow: "var(--shadow-pop)",
    overflow: "hidden",
  },
  ".cm-tooltip-autocomplete > ul": { fontFamily: "var(--mono)", fontSize: "12px" },
  ".cm-tooltip-autocomplete > ul > li": { padding: "3px 10px" },
  ".cm-tooltip-autocomplete > ul > li[aria-selected]": {
    backgroundColor: "var(--accent-soft)",
    color: "var(--text)",
  },
  ".cm-completionDetail": {
    color: "var(--text-3)",
    fontStyle: "normal",
    fontFamily: "var(--font)",
  },
  ".cm-completionInfo": { padding: "6px 10px", maxWidth: "320px", fontFamily: "var(--font)" },
  ".cm-diagnostic-error": { borderLeft: "3px solid var(--crit)", padding: "6px 10px" },
  ".cm-lintRange-error": {
    backgroundImage: "none",
    textDecoration: "underline wavy var(--crit)",
    textUnderlineOffset: "3px",
  },
});
