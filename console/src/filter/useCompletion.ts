import { useEffect, useMemo, useState } from "react";
import { getJson } from "../api/client";
import { useJson } from "../api/hooks";
import type { FieldEntry } from "../api/types";
import { useRange } from "../state/range";
import { formatCount } from "../time/format";
import {
  type Suggestion,
  suggestFields,
  suggestOperators,
  suggestValues,
  typingOf,
} from "./completion";

/** Typing that rests this long asks for values. */
const REST_MS = 150;
const NO_FIELDS: FieldEntry[] = [];

interface FieldValue {
  value: string;
  text?: string;
  records?: number;
  name?: string;
}

/** The fields that a filter may name. */
export function useFields(): FieldEntry[] {
  const { data } = useJson<{ fields: FieldEntry[] }>("/fields");
  return data?.fields ?? NO_FIELDS;
}

/** What could stand at the end of `text`; nothing while `open` is false. */
export function useCompletion(text: string, open: boolean, filter: string): Suggestion[] {
  const fields = useFields();
  const typing = useMemo(() => typingOf(text), [text]);
  const { stage, prefix, field, inList } = typing;
  const entry = fields.find((one) => one.name === field || one.column === field);
  const values = useValues(open && stage === "value" ? (entry?.name ?? "") : "", prefix, filter);
  return useMemo(() => {
    if (!open) return [];
    if (stage === "field") return suggestFields(fields, prefix);
    if (stage === "operator") return suggestOperators(entry, prefix);
    if (stage === "value") return suggestValues(values, inList, formatCount);
    return ["and", "or"]
      .filter((word) => word.startsWith(prefix.toLowerCase()))
      .map((word) => ({ insert: `${word} `, label: word, note: "", ends: false }));
  }, [open, stage, prefix, fields, entry, values, inList]);
}

const NO_VALUES: FieldValue[] = [];

function useValues(field: string, prefix: string, filter: string): FieldValue[] {
  const { start, end } = useRange();
  const [found, setFound] = useState<{ field: string; values: FieldValue[] }>();
  const word = prefix.replace(/^["']|["']$/g, "");
  useEffect(() => {
    if (!field) return;
    const stop = new AbortController();
    const timer = window.setTimeout(() => {
      const params = { field, prefix: word, start, end, filter };
      getJson<{ values: FieldValue[] }>("/values", params, {
        signal: stop.signal,
        priority: () => 0,
      })
        .then(({ values }) => setFound({ field, values }))
        .catch(() => undefined);
    }, REST_MS);
    return () => {
      window.clearTimeout(timer);
      stop.abort();
    };
  }, [field, word, start, end, filter]);
  if (!field || found?.field !== field) return NO_VALUES;
  // What came for fewer characters is narrowed until the next answer is there.
  return found.values.filter((one) => one.value.toLowerCase().startsWith(word.toLowerCase()));
}
