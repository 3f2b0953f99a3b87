import { CornerDownLeft } from "lucide-react";
import { type KeyboardEvent, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { getJson } from "../api/client";
import { hrefOf, navigate } from "../state/location";
import { Dialog } from "../ui/Dialog";
import { stepOf } from "../ui/Menu";
import { COMMANDS, type Command, foundCommands } from "./commands";

const RECENT_KEY = "vpcflow.recent";
/** Commands remembered, and shown. */
const RECENT_MAX = 5;
const SHOWN_MAX = 40;

function useDashboards(): Command[] {
  const [found, setFound] = useState<Command[]>([]);
  useEffect(() => {
    const stop = new AbortController();
    getJson<unknown>("/dashboards", {}, { signal: stop.signal })
      .then((body) => {
        const list = Array.isArray(body) ? body : (body as { dashboards?: unknown[] })?.dashboards;
        const entries = (list ?? []) as { id: string; title: string }[];
        setFound(
          entries.map(({ id, title }) => ({
            label: title,
            group: "Dashboards",
            run: () => navigate(hrefOf(`/dashboards/${encodeURIComponent(id)}`)),
          })),
        );
      })
      .catch(() => undefined);
    return () => stop.abort();
  }, []);
  return found;
}

function recent(): string[] {
  try {
    return (JSON.parse(localStorage.getItem(RECENT_KEY) ?? "[]") as string[]).slice(0, RECENT_MAX);
  } catch {
    return [];
  }
}

function remember(label: string): void {
  const next = [label, ...recent().filter((other) => other !== label)].slice(0, RECENT_MAX);
  try {
    localStorage.setItem(RECENT_KEY, JSON.stringify(next));
  } catch {
    // Without storage nothing is recent.
  }
}

/** Commands that fit what was typed, best first. */
export function findCommands<T extends { label: string }>(commands: T[], typed: string): T[] {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = commands.filter(({ label }) => {
    const text = label.toLowerCase();
    return words.every((word) => text.includes(word));
  });
  const first = words[0] ?? "";
  return fits.sort(
    (a, b) =>
      Number(b.label.toLowerCase().startsWith(first)) -
      Number(a.label.toLowerCase().startsWith(first)),
  );
}

interface PaletteProps {
  onClose: () => void;
  /** What was typed while this was loaded. */
  typedBefore?: { current: string };
}

/** The command palette: pages, dashboards, actions, ranges. */
export default function Palette({ onClose, typedBefore }: PaletteProps) {
  const [typed, setTyped] = useState("");
  // Not as the first state: React draws this some time before it shows it in place of the field.
  useLayoutEffect(() => setTyped(typedBefore?.current ?? ""), [typedBefore]);
  const [at, setAt] = useState(0);
  const shown = useFound(typed);
  const run = (command: Command | undefined) => {
    if (!command) return;
    remember(command.label);
    onClose();
    command.run();
  };
  const press = (event: KeyboardEvent) => {
    const next = stepOf(event.key, at, shown.length);
    if (next !== undefined && event.key.startsWith("Arrow")) {
      event.preventDefault();
      setAt(next);
    } else if (event.key === "Enter") {
      event.preventDefault();
      run(shown[at]);
    }
  };
  return (
    <Dialog title="Commands" onClose={onClose} bare className="palette">
      <input
        data-autofocus
        className="palette-input"
        role="combobox"
        aria-label="Command"
        aria-expanded="true"
        aria-controls="palette-list"
        aria-activedescendant={shown[at] ? `palette-${at}` : undefined}
        placeholder="A page, a dashboard, an action, an address, an id"
        value={typed}
        onChange={(event) => {
          setTyped(event.target.value);
          setAt(0);
        }}
        onKeyDown={press}
      />
      <CommandList shown={shown} at={at} onPoint={setAt} onRun={run} />
    </Dialog>
  );
}

function useFound(typed: string): Command[] {
  const dashboards = useDashboards();
  return useMemo(() => {
    const all = [...COMMANDS, ...dashboards];
    if (typed) {
      return [...foundCommands(typed), ...findCommands(all, typed)].slice(0, SHOWN_MAX);
    }
    const last = recent().flatMap((label) => all.filter((one) => one.label === label).slice(0, 1));
    const rest = all.filter((one) => !last.includes(one));
    return [...last.map((one) => ({ ...one, group: "Recent" })), ...rest].slice(0, SHOWN_MAX);
  }, [typed, dashboards]);
}

interface CommandListProps {
  shown: Command[];
  at: number;
  onPoint: (at: number) => void;
  onRun: (command: Command) => void;
}

function CommandList({ shown, at, onPoint, onRun }: CommandListProps) {
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    list.current?.children[at]?.scrollIntoView({ block: "nearest" });
  }, [at]);
  return (
    <div ref={list} id="palette-list" role="listbox" aria-label="Commands" className="palette-list">
      {shown.map((command, index) => (
        // biome-ignore lint/a11y/useKeyWithClickEvents: the field above takes the keys
        <div
          // biome-ignore lint/suspicious/noArrayIndexKey: two dashboards may have one title
          key={`${command.group} ${command.label} ${index}`}
          id={`palette-${index}`}
          role="option"
          tabIndex={-1}
          aria-selected={index === at}
          onPointerMove={() => onPoint(index)}
          onClick={() => onRun(command)}
        >
          {command.icon ?? <CornerDownLeft size={15} />}
          <span>{command.label}</span>
          <span className="hint">{command.hint ?? command.group}</span>
        </div>
      ))}
      {!shown.length && <p className="palette-none">Nothing is called that.</p>}
    </div>
  );
}
