/** One test of a filter, before it is written. */
export interface Chip {
  field: string;
  operator: string;
  value: string | number | null | (string | number)[];
  negated?: boolean;
}

const BARE = /^[^\s()"'=!<>~,&|]+$/;
const KEYWORDS = new Set(["and", "or", "not", "in", "is", "like", "null", "-"]);

/** A value as the filter language reads it: in quotes where it must be. */
export function quoteValue(value: string | number): string {
  const text = String(value);
  if (BARE.test(text) && !KEYWORDS.has(text.toLowerCase())) return text;
  return `"${text.replace(/(["\\])/g, "\\$1")}"`;
}

/** A chip in the filter language. */
export function chipText(chip: Chip): string {
  const { field, operator, value } = chip;
  let text: string;
  if (value === null) text = `${field} is null`;
  else if (Array.isArray(value)) text = `${field} in (${value.map(quoteValue).join(", ")})`;
  else text = `${field} ${operator} ${quoteValue(value)}`;
  if (!chip.negated) return text;
  if (value === null) return `${field} is not null`;
  if (operator === "=" && !Array.isArray(value)) return `${field} != ${quoteValue(value)}`;
  return `not ${text}`;
}

/** A word of a filter with its place. Shape: `start` and `end` are characters of the text. */
export interface Word {
  kind: "word" | "text" | "operator";
  value: string;
  start: number;
  end: number;
}

const SCAN = /\s+|(==|!=|<>|<=|>=|!~|=|<|>|~|&&|\|\||!|\(|\)|,)|([^\s()"'=!<>~,&|]+)|([&|])/y;

/** The words of a filter; quotes that do not end run to the end of the text. */
export function wordsOf(text: string): Word[] {
  const words: Word[] = [];
  let position = 0;
  while (position < text.length) {
    const quote = text[position];
    if (quote === '"' || quote === "'") {
      let end = position + 1;
      while (end < text.length && text[end] !== quote) end += text[end] === "\\" ? 2 : 1;
      end = Math.min(text.length, end + 1);
      words.push({ kind: "text", value: text.slice(position, end), start: position, end });
      position = end;
      continue;
    }
    SCAN.lastIndex = position;
    const match = SCAN.exec(text);
    if (!match) break;
    const end = position + match[0].length;
    const operator = match[1] ?? match[3];
    if (operator) words.push({ kind: "operator", value: operator, start: position, end });
    else if (match[2]) words.push({ kind: "word", value: match[2], start: position, end });
    position = end;
  }
  return words;
}

/** The parts of a filter that stand between its outermost "and". */
export function splitTerms(text: string): string[] {
  const words = wordsOf(text);
  let depth = 0;
  let from = 0;
  let either = false;
  const terms: string[] = [];
  for (const word of words) {
    const says = word.value.toLowerCase();
    if (word.kind === "operator" && says === "(") depth += 1;
    if (word.kind === "operator" && says === ")") depth -= 1;
    if (depth !== 0 || word.kind === "text") continue;
    if (says === "or" || says === "||") either = true;
    if (says === "and" || says === "&&") {
      terms.push(text.slice(from, word.start).trim());
      from = word.end;
    }
  }
  // "a and b or c" is no list of conditions that all hold: it stays one part.
  if (either) return text.trim() ? [text.trim()] : [];
  terms.push(text.slice(from).trim());
  return terms.filter(Boolean);
}

/** One filter of parts that all hold. */
export function joinTerms(terms: string[]): string {
  const parts = terms.map((term) => term.trim()).filter(Boolean);
  if (parts.length < 2) return parts.join("");
  return parts.map((term) => (hasOr(term) ? `(${term})` : term)).join(" and ");
}

function hasOr(term: string): boolean {
  let depth = 0;
  for (const word of wordsOf(term)) {
    if (word.kind === "text") continue;
    if (word.value === "(") depth += 1;
    if (word.value === ")") depth -= 1;
    if (depth === 0 && /^(or|\|\|)$/i.test(word.value)) return true;
  }
  return false;
}

/** A part as it is drawn: the field, and the rest; undefined when it is no single test. */
export interface TermParts {
  negated: boolean;
  field: string;
  rest: string;
}

/** How a part of a filter is drawn as a chip. */
export function partsOf(term: string): TermParts {
  const words = wordsOf(term);
  const first = words[0];
  const negated = first !== undefined && /^(not|!)$/i.test(first.value);
  const second = words[negated ? 1 : 0];
  if (second?.kind !== "word") return { negated, field: "", rest: negatedRest(term, negated) };
  const rest = term.slice(second.end).trim();
  const unequal = words[negated ? 2 : 1];
  if (!negated && unequal?.value === "!=") {
    return { negated: true, field: second.value, rest: `= ${term.slice(unequal.end).trim()}` };
  }
  return { negated, field: second.value, rest };
}

function negatedRest(term: string, negated: boolean): string {
  return negated ? term.replace(/^(not|!)\s*/i, "") : term;
}
