import { createStore } from "../../state/store";
import { keepText, keptJson } from "./kept";

/** Queries that are remembered, and the longest of them. Units: characters. */
export const HISTORY_MAX = 100;
const TEXT_MAX = 20_000;
const KEY = "vpcflow.explore.history";

export interface PastQuery {
  text: string;
  /** Epoch seconds. */
  at: number;
  rows?: number;
  elapsed_s?: number;
  /** What went wrong. */
  fault?: string;
}

const store = createStore<PastQuery[]>(keptJson<PastQuery[]>(KEY, []));

/** The last queries of this browser, the newest first. */
export function useHistory(): PastQuery[] {
  return store.use();
}

/** Remembers a query; one that was the last already only gets its new figures. */
export function remember(query: PastQuery): void {
  if (query.text.length > TEXT_MAX) return;
  keep(added(store.get(), query));
}

/** The list with a query at its beginning, without repeats and within its bound. */
export function added(list: PastQuery[], query: PastQuery): PastQuery[] {
  return [query, ...list.filter(({ text }) => text !== query.text)].slice(0, HISTORY_MAX);
}

/** Forgets one query, or all. */
export function forget(text?: string): void {
  keep(text === undefined ? [] : store.get().filter((query) => query.text !== text));
}

function keep(list: PastQuery[]): void {
  store.set(list);
  keepText(KEY, list.length ? JSON.stringify(list) : null);
}
