import { useMemo } from "react";
import { type Chip, chipText, joinTerms, partsOf, splitTerms } from "../filter/terms";
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

/** Fields that mean either end, of which both may have a value at once. */
const EITHER_ENDS = new Set(["addr", "port"]);

/** Adds a part to the filter; its opposite goes, and another value that the field cannot also have. */
export function addTerm(term: string): void {
  const terms = splitTerms(filterText(currentPlace().query));
  if (terms.includes(term)) return;
  const own = partsOf(term);
  const replaces = (other: string) => {
    const { field, rest, negated } = partsOf(other);
    if (!field || field !== own.field) return false;
    if (rest === own.rest) return negated !== own.negated;
    const bothEqual = rest.startsWith("=") && own.rest.startsWith("=");
    return bothEqual && !negated && !own.negated && !EITHER_ENDS.has(field);
  };
  setFilter(joinTerms([...terms.filter((other) => !replaces(other)), term]));
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
