import type { FieldEntry } from "../api/types";
import { quoteValue, type Word, wordsOf } from "./terms";

/** What the next word of a filter is. */
export type Stage = "field" | "operator" | "value" | "join";

/** Where one is in a filter that is being typed. */
export interface Typing {
  stage: Stage;
  /** What of the next word is there already. */
  prefix: string;
  /** The character where the next word starts. */
  from: number;
  field: string;
  operator: string;
  /** Whether it is within the parentheses of `in (`. */
  inList: boolean;
}

export interface Suggestion {
  /** What is put in. */
  insert: string;
  label: string;
  note: string;
  /** Whether the test is whole with it. */
  ends: boolean;
}

const OPERATORS: Record<string, string[]> = {
  address: ["=", "!=", "in", "not in", "is null"],
  text: ["=", "!=", "in", "not in", "like", "not like", "is null"],
  number: ["=", "!=", ">", ">=", "<", "<=", "in", "not in", "is null"],
};
const SYMBOLS = new Set(["=", "==", "!=", "<>", "<", "<=", ">", ">=", "~", "!~"]);
const NOTES: Record<string, string> = {
  "=": "is",
  "!=": "is not",
  in: "one of several, or a network",
  "not in": "none of these",
  like: "text with * for anything",
  "not like": "text unlike this",
  "is null": "has no value",
  ">": "more than",
  ">=": "at least",
  "<": "less than",
  "<=": "at most",
};
/** Suggestions shown at once. */
export const SUGGESTIONS_MAX = 40;

/** Where one is at the end of `text`. */
export function typingOf(text: string): Typing {
  const words = wordsOf(text);
  const last = words.at(-1);
  const open = last !== undefined && last.end === text.length && isPart(last);
  const done = open ? words.slice(0, -1) : words;
  const prefix = open && last ? last.value : "";
  const state = after(done);
  return { ...state, prefix, from: open && last ? last.start : text.length };
}

function isPart(word: Word): boolean {
  return word.kind !== "operator";
}

type State = Omit<Typing, "prefix" | "from">;

function after(words: Word[]): State {
  let state: State = { stage: "field", field: "", operator: "", inList: false };
  for (const word of words) state = step(state, word);
  return state;
}

function step(state: State, word: Word): State {
  const says = word.kind === "text" ? "" : word.value.toLowerCase();
  switch (state.stage) {
    case "field":
      if (says === "not" || says === "!" || says === "(") return state;
      return { ...state, stage: "operator", field: word.value, operator: "" };
    case "operator":
      if (says === "not" || says === "is") return { ...state, operator: says };
      if (says === "null") return { ...state, stage: "join" };
      if (says === "in" || says === "like" || SYMBOLS.has(says)) {
        const operator = `${state.operator} ${says}`.trim();
        return { ...state, stage: "value", operator, inList: false };
      }
      return state;
    case "value":
      if (says === "(") return { ...state, inList: true };
      if (says === ",") return state;
      if (says === ")") return { ...state, stage: "join", inList: false };
      return state.inList ? state : { ...state, stage: "join" };
    default:
      if (says === "and" || says === "or" || says === "&&" || says === "||") {
        return { stage: "field", field: "", operator: "", inList: false };
      }
      return state;
  }
}

/** Fields that begin with, or then contain, what was typed. */
export function suggestFields(fields: FieldEntry[], prefix: string): Suggestion[] {
  const word = prefix.toLowerCase().replace(/_/g, "-");
  const rank = (field: FieldEntry) => {
    if (field.name.startsWith(word)) return field.present === false ? 1 : 0;
    if (field.name.includes(word)) return 2;
    return (field.label ?? "").toLowerCase().includes(word) ? 3 : 4;
  };
  return fields
    .map((field) => ({ field, rank: rank(field) }))
    .filter((entry) => entry.rank < 4)
    .sort((a, b) => a.rank - b.rank)
    .slice(0, SUGGESTIONS_MAX)
    .map(({ field }) => ({
      insert: `${field.name} `,
      label: field.name,
      note: field.label ?? "",
      ends: false,
    }));
}

/** Operators that a field takes. */
export function suggestOperators(field: FieldEntry | undefined, prefix: string): Suggestion[] {
  const kind = field?.kind ?? "text";
  const known = OPERATORS[kind] ?? (kind === "rule" ? OPERATORS.text : OPERATORS.number) ?? [];
  return known
    .filter((operator) => operator.startsWith(prefix.toLowerCase()))
    .map((operator) => ({
      insert:
        operator === "is null" ? operator : `${operator} ${operator.endsWith("in") ? "(" : ""}`,
      label: operator,
      note: NOTES[operator] ?? "",
      ends: operator === "is null",
    }));
}

/** Values of a field as suggestions; in a list they do not end the test. */
export function suggestValues(
  values: { value: string; text?: string; records?: number; name?: string }[],
  inList: boolean,
  format: (count: number) => string,
): Suggestion[] {
  return values.slice(0, SUGGESTIONS_MAX).map((entry) => {
    const written = entry.text ?? quoteValue(entry.value);
    const count = entry.records === undefined ? "" : format(entry.records);
    return {
      insert: inList ? `${written}, ` : written,
      label: written,
      note: [entry.name, count].filter(Boolean).join(" · "),
      ends: !inList,
    };
  });
}

/** The text with a suggestion put in the place of what was typed of it. */
export function inserted(text: string, typing: Typing, suggestion: Suggestion): string {
  const head = text.slice(0, typing.from);
  const glue = head && !/[\s(]$/.test(head) ? " " : "";
  return head + glue + suggestion.insert;
}

/** What was typed as whole tests: an open list is closed, a comma at its end goes. */
export function finished(text: string): string {
  let whole = text.trim().replace(/,$/, "").trim();
  const words = wordsOf(whole).filter((word) => word.kind === "operator");
  const open = words.filter((word) => word.value === "(").length;
  const closed = words.filter((word) => word.value === ")").length;
  for (let count = closed; count < open; count += 1) whole += ")";
  return whole;
}
