import { useMemo, useRef, useState } from "react";
import { reachable } from "../../api/client";
import type { Fault } from "../../api/fault";
import { useSend } from "../../api/hooks";
import type { FlowLogOrder, FlowLogRefusal, FlowLogsCreated } from "../../api/schema";
import { newToken } from "../../api/token";
import { hrefOf, navigate } from "../../state/location";
import { toast } from "../../ui/Toast";
import { type Draft, type Gap, gapsOf, type Part, partOf } from "./draft";

/** What is to be mended, and in which step. */
export interface Problem {
  part: Part | undefined;
  text: string;
}

/** Makes the flow logs of a draft; one that was made is shown, of several what became of each. */
export function useCreation(draft: Draft, order: FlowLogOrder) {
  const [tried, setTried] = useState(false);
  const [result, setResult] = useState<FlowLogsCreated>();
  const [asked, setAsked] = useState<{ draft: Draft; refusals: FlowLogRefusal[] }>();
  const { run, sending, fault } = useSend<FlowLogsCreated>();
  const errorBox = useRef<HTMLElement>(null);
  const token = useRef(newToken());
  const gaps = useMemo(() => gapsOf(draft), [draft]);
  // What was refused is of the order as it was; a change of it is another one.
  const same = asked?.draft === draft ? asked : undefined;
  const problems = tried ? problemsOf(gaps, same && fault, same?.refusals ?? []) : [];
  const toProblems = () => requestAnimationFrame(() => errorBox.current?.focus());
  const create = async () => {
    setTried(true);
    setAsked({ draft, refusals: [] });
    if (gaps.length) {
      toProblems();
      return;
    }
    const made = await run("POST", "/flow-logs", { ...order, client_token: token.current });
    // A token stands for one order: the next one, or the same mended, needs its own. An order
    // whose answer was lost keeps it, so that it is not made twice.
    if (made || reachable.get()) token.current = newToken();
    if (!made) toProblems();
    else if (made.flow_log_ids.length === 1 && !made.unsuccessful.length) {
      toast("The flow log was made");
      navigate(hrefOf(`/flow-logs/${made.flow_log_ids[0]}`));
    } else if (made.flow_log_ids.length) setResult(made);
    else {
      setAsked({ draft, refusals: made.unsuccessful });
      toProblems();
    }
  };
  const again = () => {
    setResult(undefined);
    setTried(false);
  };
  return { create, again, result, sending, gaps, problems, errorBox };
}

function problemsOf(gaps: Gap[], fault: Fault | undefined, refusals: FlowLogRefusal[]): Problem[] {
  if (gaps.length) return gaps;
  if (fault) return [{ part: partOf(fault.where), text: fault.message }];
  // The same reason for all resources is told once.
  const texts = new Set(refusals.map((one) => one.message));
  if (texts.size === 1) return [...texts].map((text) => ({ part: partOf(text), text }));
  return refusals.map((one) => ({
    part: undefined,
    text: `${one.resource_id}: ${one.message}`,
  }));
}
