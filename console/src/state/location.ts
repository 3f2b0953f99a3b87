import { useCallback } from "react";
import { createStore } from "./store";

/** Where the browser is: the path, and the query without its question mark. */
export interface Place {
  path: string;
  query: string;
}

/** Parameters that follow the reader from page to page. */
export const SHARED_PARAMS = [
  "last",
  "start",
  "end",
  "filter",
  "zone",
  "refresh",
  "compare",
] as const;

const place = createStore<Place>(here());

function here(): Place {
  // Of two slashes at the beginning the history would make another host.
  const path = window.location.pathname.replace(/^\/+/, "/");
  return { path, query: window.location.search.replace(/^\?/, "") };
}

/** Asked before another page is opened; false keeps the reader here. */
export type LeaveGuard = (to: string) => boolean;
let guard: LeaveGuard | null = null;

/** Sets who is asked before this page is left; null asks nobody. */
export function guardLeaving(asked: LeaveGuard | null): void {
  guard = asked;
}

function mayLeave(to: string): boolean {
  const path = to.split("?")[0];
  return guard === null || path === place.get().path || guard(to);
}

window.addEventListener("popstate", () => {
  const { path, query } = place.get();
  const to = `${window.location.pathname}${window.location.search}`;
  // The browser has gone already: it is led back to the page whose changes would be lost.
  if (mayLeave(to)) place.set(here());
  else window.history.pushState(null, "", query ? `${path}?${query}` : path);
});

/** Goes to an address of this page. Shape: `to` is a path with an optional query. */
export function navigate(to: string, options: { replace?: boolean } = {}): void {
  const from = `${window.location.pathname}${window.location.search}`;
  if (to === from || !mayLeave(to)) return;
  if (options.replace) window.history.replaceState(null, "", to);
  else window.history.pushState(null, "", to);
  const before = place.get().path;
  place.set(here());
  if (place.get().path !== before) window.scrollTo(0, 0);
}

/** The place where the browser is; changes redraw the caller. */
export function usePlace(): Place {
  return place.use();
}

/** The place, outside of components. */
export function currentPlace(): Place {
  return place.get();
}

/** The address of `path` that keeps range, filter and zone; `own` adds parameters of its own. */
export function hrefOf(path: string, own: Record<string, string | null> = {}): string {
  const now = new URLSearchParams(place.get().query);
  const [bare = path, query = ""] = path.split("?");
  const next = new URLSearchParams(query);
  for (const name of SHARED_PARAMS) {
    const value = now.get(name);
    if (value !== null && !next.has(name)) next.set(name, value);
  }
  for (const [name, value] of Object.entries(own)) {
    if (value === null) next.delete(name);
    else next.set(name, value);
  }
  return address(bare, next);
}

/** Sets parameters of the present page; null takes one away. */
export function setParams(
  changes: Record<string, string | null>,
  options: { replace?: boolean } = {},
): void {
  const next = new URLSearchParams(place.get().query);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === "") next.delete(name);
    else next.set(name, value);
  }
  navigate(address(place.get().path, next), options);
}

function address(path: string, params: URLSearchParams): string {
  // Commas, colons and slashes may stand as they are in a query, and read better so.
  const text = params.toString().replace(/%2C/g, ",").replace(/%3A/g, ":").replace(/%2F/g, "/");
  return text ? `${path}?${text}` : path;
}

/** One parameter of the address and its setter. */
export function useUrlParam(
  name: string,
  fallback = "",
): [string, (value: string | null, options?: { replace?: boolean }) => void] {
  const { query } = usePlace();
  const value = new URLSearchParams(query).get(name) ?? fallback;
  const set = useCallback(
    (next: string | null, options?: { replace?: boolean }) =>
      setParams({ [name]: next === fallback ? null : next }, options),
    [name, fallback],
  );
  return [value, set];
}
