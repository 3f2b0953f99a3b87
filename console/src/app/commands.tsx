import type { ReactNode } from "react";
import { copyLink } from "../panels/PanelFrame";
import { refreshNow } from "../state/clock";
import { clearFilter } from "../state/filter";
import { hrefOf, navigate } from "../state/location";
import { currentRange, PRESETS, permalink, setLast, undoRange } from "../state/range";
import { flipTheme } from "../state/theme";
import { setZone } from "../state/zone";
import { MANUAL, NAVIGATION } from "./navigation";
import { lookups } from "./paletteSearch";

/** Something that the palette does. */
export interface Command {
  label: string;
  group: string;
  icon?: ReactNode;
  hint?: string;
  run: () => void;
}

/** Commands that are the same everywhere. */
export const COMMANDS: Command[] = [
  ...NAVIGATION.flatMap((group) => group.entries).map((entry) => ({
    label: entry.label,
    group: "Pages",
    icon: <entry.icon size={15} />,
    hint: `g ${entry.key}`,
    run: () => navigate(hrefOf(entry.path)),
  })),
  {
    label: "Quarantine",
    group: "Pages",
    run: () => navigate(hrefOf("/quarantine")),
  },
  {
    label: "Explain why traffic is rejected",
    group: "Pages",
    run: () => navigate(hrefOf("/explain")),
  },
  {
    label: MANUAL.label,
    group: "Pages",
    icon: <MANUAL.icon size={15} />,
    run: () => window.location.assign(MANUAL.path),
  },
  { label: "Create flow log", group: "Actions", run: () => navigate(hrefOf("/flow-logs/new")) },
  { label: "Change the theme", group: "Actions", hint: "t", run: flipTheme },
  { label: "Refresh", group: "Actions", hint: "r", run: refreshNow },
  { label: "Clear the filter", group: "Actions", run: clearFilter },
  {
    label: "Copy a link to this view",
    group: "Actions",
    run: () => void copyLink(permalink(currentRange())),
  },
  { label: "Undo the last change of the range", group: "Range", hint: "Esc", run: undoRange },
  { label: "Show times in UTC", group: "Time zone", run: () => setZone("utc") },
  { label: "Show times in this browser's zone", group: "Time zone", run: () => setZone("local") },
  ...PRESETS.map(({ last, label }) => ({ label, group: "Range", run: () => setLast(last) })),
];

/** Commands for an address, a port or an id that was typed. */
export function foundCommands(typed: string): Command[] {
  return lookups(typed).map(({ label, path, filter }) => ({
    label,
    group: "Go to",
    run: () => navigate(hrefOf(path, { filter: filter ?? null })),
  }));
}
