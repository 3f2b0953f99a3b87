import { createContext, useCallback, useContext, useEffect, useRef, useState } from "react";
import { joinTerms } from "../filter/terms";
import { useRefreshes } from "../state/clock";
import { useFilter } from "../state/filter";
import { type Span, useRange } from "../state/range";
import { ask, type GetOptions, getJson, type Params, reachable, send } from "./client";
import { type Fault, faultOf, isAbort } from "./fault";
import type { Answer } from "./types";

/** Something asked of the server, as it stands. */
export interface Asked<T> {
  /** The last answer; kept while the next one is loaded. */
  data: T | undefined;
  loading: boolean;
  /** Whether `data` answers what is asked now. */
  fresh: boolean;
  fault: Fault | undefined;
  retry: () => void;
}

/** Tells whether the panel around is in view; those in view ask first. */
export const InView = createContext<{ current: boolean } | null>(null);

/** Runs `load` for each new `key` and gives up what nobody waits for. */
export function useAsked<T>(
  key: string | null,
  load: (options: GetOptions) => Promise<T>,
): Asked<T> {
  const [state, setState] = useState<{ key: string | null; data?: T; fault?: Fault }>({
    key: null,
  });
  const [tries, setTries] = useState(0);
  const refreshes = useRefreshes();
  const online = reachable.use();
  const inView = useContext(InView);
  const latest = useRef(load);
  latest.current = load;
  const [settled, setSettled] = useState("");
  const round = `${key} ${tries} ${refreshes}`;
  useEffect(() => {
    if (key === null) return;
    const stop = new AbortController();
    const priority = () => (inView?.current === false ? 2 : 1);
    latest
      .current({ signal: stop.signal, priority })
      .then((data) => {
        if (!stop.signal.aborted) setState({ key, data });
      })
      .catch((error) => {
        if (isAbort(error) || stop.signal.aborted) return;
        setState((before) => ({ key, data: before.data, fault: faultOf(error) }));
      })
      .finally(() => {
        if (!stop.signal.aborted) setSettled(round);
      });
    return () => stop.abort();
  }, [key, inView, round]);
  const lost = state.fault?.status === 0 && state.fault.code === "Unreachable";
  useEffect(() => {
    if (online && lost) setTries((count) => count + 1);
  }, [online, lost]);
  const retry = useCallback(() => setTries((count) => count + 1), []);
  const loading = key !== null && settled !== round;
  const fresh = state.key === key && !state.fault;
  return { data: state.data, loading, fresh, fault: loading ? undefined : state.fault, retry };
}

export interface AnswerOptions {
  /** Another range than the page's; null asks without one. */
  range?: Span | null;
  /** A condition besides the page's filter. */
  filter?: string;
  /** False leaves the page's filter out. */
  pageFilter?: boolean;
  /** For answers of more than about a thousand rows. */
  arrow?: boolean;
  enabled?: boolean;
}

/** What a question says of the records in the page's range and filter. */
export function useAnswer(
  question: string,
  params: Params = {},
  options: AnswerOptions = {},
): Asked<Answer> {
  const page = useRange();
  const filter = useFilter();
  const range = options.range === undefined ? page : options.range;
  const terms = [options.pageFilter === false ? "" : filter.text, options.filter ?? ""];
  const asked: Params = {
    ...params,
    start: range?.start,
    end: range?.end,
    filter: joinTerms(terms),
  };
  const key = JSON.stringify([question, asked, options.arrow ?? false]);
  return useAsked(options.enabled === false ? null : key, (how) =>
    ask(question, asked, { ...how, arrow: options.arrow }),
  );
}

/** What a path of the API says; null asks nothing. */
export function useJson<T>(path: string | null, params: Params = {}): Asked<T> {
  const key = path === null ? null : JSON.stringify([path, params]);
  return useAsked<T>(key, (how) => getJson<T>(path ?? "", params, how));
}

/** What a path says of the page's range and filter, as /graph and /findings do. */
export function useRangeJson<T>(path: string | null, params: Params = {}): Asked<T> {
  const { start, end } = useRange();
  const { text } = useFilter();
  return useJson<T>(path, { ...params, start, end, filter: text });
}

/** Changes something on a click. `run` answers undefined after a fault, which `fault` then holds. */
export function useSend<T = unknown>(): {
  run: (...args: Parameters<typeof send>) => Promise<T | undefined>;
  sending: boolean;
  fault: Fault | undefined;
} {
  const [state, setState] = useState<{ sending: boolean; fault?: Fault }>({ sending: false });
  const run = useCallback(async (...args: Parameters<typeof send>) => {
    setState({ sending: true });
    try {
      const value = (await send(...args)) as T;
      setState({ sending: false });
      return value;
    } catch (error) {
      setState({ sending: false, fault: faultOf(error) });
      return undefined;
    }
  }, []);
  return { run, ...state, fault: state.fault };
}
