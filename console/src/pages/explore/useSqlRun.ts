import { useEffect, useRef, useState } from "react";
import { askSql } from "../../api/client";
import { faultOf, isAbort } from "../../api/fault";
import { type Asked, useAsked } from "../../api/hooks";
import type { Answer } from "../../api/types";
import { serverNow } from "../../state/clock";
import { useFilter } from "../../state/filter";
import { setParams } from "../../state/location";
import { useRange } from "../../state/range";
import { toast } from "../../ui/Toast";
import { keepText, keptText } from "./kept";
import { withTimes } from "./sqlAnswer";
import { remember } from "./sqlHistory";
import { linkOf, useLinkedSql } from "./sqlLink";

const DRAFT_KEY = "vpcflow.explore.draft";
const FIRST = `SELECT srcaddr, dstaddr, dstport, sum(bytes) AS bytes, count(*) AS records
FROM flow_records
WHERE $time AND $filters
GROUP BY ALL
ORDER BY bytes DESC
LIMIT 100`;

export interface SqlRun {
  text: string;
  setText: (text: string) => void;
  /** What runs or ran last; null before the first. */
  ran: string | null;
  run: (text?: string) => void;
  cancel: () => void;
  cancelled: boolean;
  asked: Asked<Answer>;
}

/** The editor's text and the query that was run; the address holds the latter. */
export function useSqlRun(): SqlRun {
  const linked = useLinkedSql();
  const [text, setOwnText] = useState(() => keptText(DRAFT_KEY) ?? FIRST);
  const [ran, setRan] = useState<string | null>(null);
  const [round, setRound] = useState(0);
  const [cancelled, setCancelled] = useState(false);
  const latest = useRef(text);
  const setText = (next: string) => {
    latest.current = next;
    setOwnText(next);
    keepText(DRAFT_KEY, next || null);
  };
  const start = (next: string) => {
    remember({ text: next, at: serverNow() });
    setRan(next);
    setCancelled(false);
    setRound((count) => count + 1);
  };
  const run = (given?: string) => {
    const next = (given ?? latest.current).trim();
    if (!next) return;
    if (given !== undefined) setText(given);
    start(next);
    linkOf(next).then((link) => {
      if (link) setParams({ mode: "sql", ...link });
      else {
        setParams({ mode: "sql", sql: null, sqlz: null });
        toast("This query is too long for a link; it is in the history of this browser.");
      }
    });
  };
  // An address that was opened, or gone back to, is run; one that this page wrote ran already.
  // biome-ignore lint/correctness/useExhaustiveDependencies: only a new address counts
  useEffect(() => {
    if (!linked || linked === ran) return;
    setText(linked);
    start(linked);
  }, [linked]);
  const asked = useRun(cancelled ? null : ran, round);
  return { text, setText, ran, run, cancel: () => setCancelled(true), cancelled, asked };
}

function useRun(text: string | null, round: number): Asked<Answer> {
  const { start, end } = useRange();
  const filter = useFilter().text;
  const body = { text: text ?? "", start, end, filter };
  const key = text === null ? null : JSON.stringify([body, round]);
  return useAsked(key, async (how) => {
    const at = serverNow();
    try {
      const answer = await askSql(body, { ...how, arrow: true });
      remember({ text: body.text, at, rows: answer.rows, elapsed_s: answer.elapsed_s });
      return withTimes(answer);
    } catch (error) {
      if (!isAbort(error)) remember({ text: body.text, at, fault: faultOf(error).message });
      throw error;
    }
  });
}
