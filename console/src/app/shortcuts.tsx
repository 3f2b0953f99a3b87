import { useEffect } from "react";
import { refreshNow, serverNow } from "../state/clock";
import { hrefOf, navigate } from "../state/location";
import { currentRange, setRange, shifted, undoRange, zoomedOut } from "../state/range";
import { flipTheme } from "../state/theme";
import { Dialog } from "../ui/Dialog";
import { NAVIGATION } from "./navigation";

/** How long the first key of two is remembered. */
const SEQUENCE_MS = 1_200;

export const SHORTCUTS: { keys: string; does: string }[] = [
  { keys: "Ctrl K", does: "Open the command palette" },
  { keys: "/", does: "Go to the filter" },
  { keys: "[ and ]", does: "Move the range back and forth" },
  { keys: "z", does: "Zoom out" },
  { keys: "Esc", does: "Undo the last change of the range" },
  { keys: "r", does: "Refresh" },
  { keys: "t", does: "Change the theme" },
  { keys: "Space", does: "Pause the live tail, and go on" },
  { keys: "c", does: "Clear the live tail" },
  { keys: "m", does: "Open the menu of a table's row" },
  { keys: "?", does: "Show this list" },
  ...NAVIGATION.flatMap((group) => group.entries).map((entry) => ({
    keys: `g ${entry.key}`,
    does: `Go to ${entry.label}`,
  })),
];

const MOVES = new Set(["[", "]"]);

interface Openers {
  palette: () => void;
  list: () => void;
}

/** Listens for the shortcuts of the whole console; keys meant for a control are left alone. */
export function useShortcuts({ palette, list }: Openers): void {
  // biome-ignore lint/correctness/useExhaustiveDependencies: the openers only set state
  useEffect(() => {
    let first = { key: "", at: 0 };
    const press = (event: KeyboardEvent) => {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
        event.preventDefault();
        palette();
        return;
      }
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      // A key held down moves the range on; it does not refresh or flip thirty times a second.
      if (event.repeat && !MOVES.has(event.key)) return;
      if (isTyping(event.target) || document.querySelector("dialog[open]")) return;
      if (first.key === "g" && Date.now() - first.at < SEQUENCE_MS) {
        first = { key: "", at: 0 };
        if (goTo(event.key)) event.preventDefault();
        return;
      }
      first = { key: event.key, at: Date.now() };
      if (event.key === "?") list();
      else if (!act(event.key)) return;
      event.preventDefault();
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, []);
}

function goTo(key: string): boolean {
  for (const { entries } of NAVIGATION) {
    const entry = entries.find((one) => one.key === key);
    if (!entry) continue;
    navigate(hrefOf(entry.path === "/dashboards" ? "/dashboards/overview" : entry.path));
    return true;
  }
  return false;
}

function act(key: string): boolean {
  switch (key) {
    case "/": {
      const field = document.querySelector<HTMLElement>("[data-filter-input]");
      field?.focus();
      return field !== null;
    }
    case "[":
      setRange(shifted(currentRange(), -0.5));
      return true;
    case "]":
      setRange(shifted(currentRange(), 0.5));
      return true;
    case "z":
      setRange(zoomedOut(currentRange(), serverNow()));
      return true;
    case "r":
      refreshNow();
      return true;
    case "t":
      flipTheme();
      return true;
    case "Escape":
      return undoRange();
    default:
      return false;
  }
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return (
    target.isContentEditable ||
    target.matches("input, textarea, select, [role=slider], [role=menu] *, [role=combobox]")
  );
}

/** The shortcuts, written out. */
export function ShortcutList({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="Keyboard shortcuts" onClose={onClose} size="lg">
      <dl className="shortcuts">
        {SHORTCUTS.map((entry) => (
          <div key={entry.keys}>
            <dt>
              {entry.keys
                .split(" ")
                .map((key) =>
                  key === "and" ? <span key={key}> and </span> : <kbd key={key}>{key}</kbd>,
                )}
            </dt>
            <dd>{entry.does}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
