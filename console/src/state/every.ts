import { useEffect, useRef } from "react";

/** Runs something again and again while the page is seen; null stops it. */
export function useEvery(ms: number | null, run: () => void): void {
  const latest = useRef(run);
  latest.current = run;
  useEffect(() => {
    if (ms === null) return;
    const timer = window.setInterval(() => {
      if (!document.hidden) latest.current();
    }, ms);
    return () => window.clearInterval(timer);
  }, [ms]);
}
