import { useMemo } from "react";
import { type Chip, chipText, joinTerms, splitTerms } from "../filter/terms";
import { currentPlace, setParams, usePlace } from "./location";

export interface Filter {
  /** The whole filter, as it is sent to the server. */
  text: string;
  /** Its parts, joined by and. */
  terms: string[];
}

function filterText(query: string): string {
  return new URLSearchParams(query).get("filter") ?? "";
}

/** The filter that the whole page follows. */
export function useFilter(): Filter {
  const text = filterText(usePlace().query);
  return useMemo(() => ({ text, terms: splitTerms(text) }), [text]);
}

/** Sets the whole filter. */
export function setFilter(text: string): void {
  setParams({ filter: text.trim() || null });
}

/** Adds a part to the filter; its opposite and its like go. */
export function addTerm(term: string): void {
  const terms = splitTerms(filterText(currentPlace().query));
  if (terms.includes(term)) return;
  const opposite = term.startsWith("not ") ? term.slice(4) : `not ${term}`;
  setFilter(joinTerms([...terms.filter((other) => other !== opposite), term]));
}

/** Takes a part out of the filter. */
export function removeTerm(term: string): void {
  const terms = splitTerms(filterText(currentPlace().query));
  setFilter(joinTerms(terms.filter((other) => other !== term)));
}

/** Adds what was clicked to the filter: the way of charts and tables. */
export function addChip(
  field: string,
  operator: string,
  value: Chip["value"],
  negated = false,
): void {
  addTerm(chipText({ field, operator, value, negated }));
}

/** Shows everything. */
export function clearFilter(): void {
  setFilter("");
}
