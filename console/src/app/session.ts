import { useEffect, useState } from "react";
import { loadSession, reachable, session } from "../api/client";
import { type Fault, faultOf } from "../api/fault";
import type { Session } from "../api/types";
import { setServerClock } from "../state/clock";

/** How often an unreachable server is asked again. */
const AGAIN_MS = 3_000;

// The server says its time with each answer about the session, also after one has signed in here.
session.subscribe(() => {
  const clock_s = session.get()?.clock_s;
  if (clock_s) setServerClock(clock_s);
});

/** Who is signed in, asked at the start and again while the server is away. */
export function useSession(): { session: Session | undefined; fault: Fault | undefined } {
  const found = session.use();
  const online = reachable.use();
  const [fault, setFault] = useState<Fault>();
  useEffect(() => {
    let stopped = false;
    const load = () =>
      loadSession().then(
        () => !stopped && setFault(undefined),
        (error) => !stopped && setFault(faultOf(error)),
      );
    if (session.get() === undefined) load();
    const timer = online ? 0 : window.setInterval(load, AGAIN_MS);
    return () => {
      stopped = true;
      window.clearInterval(timer);
    };
  }, [online]);
  return { session: found, fault };
}

/** Whether the reader may do an action such as `ec2:CreateFlowLogs`. */
export function useMay(action: string): boolean {
  const may = session.use()?.may;
  if (!may) return true;
  return may.some((entry) => matches(entry, action));
}

function matches(entry: string, action: string): boolean {
  if (!entry.includes("*")) return entry.toLowerCase() === action.toLowerCase();
  const pattern = entry.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replace(/\*/g, ".*");
  return new RegExp(`^${pattern}$`, "i").test(action);
}
