import { useEffect, useRef } from "react";

/** Space pauses and c clears, unless a control has the focus that they mean something to. */
export function useLiveKeys(actions: { pause: () => void; clear: () => void }): void {
  const latest = useRef(actions);
  latest.current = actions;
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      const target = event.target as HTMLElement;
      if (document.querySelector("dialog[open]") || target.closest("[role=menu]")) return;
      if (target.matches("input, textarea, select, [contenteditable]")) return;
      if (event.key === " " && !target.closest("button, a, summary")) latest.current.pause();
      else if (event.key === "c") latest.current.clear();
      else return;
      event.preventDefault();
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, []);
}
