import {
  BookOpen,
  Cable,
  Database,
  HeartPulse,
  LayoutDashboard,
  type LucideIcon,
  Network,
  Radio,
  ScrollText,
  Search,
  Settings,
  Shield,
  ShieldAlert,
} from "lucide-react";

export interface Destination {
  path: string;
  label: string;
  icon: LucideIcon;
  /** The second key after g. */
  key: string;
  /** Paths that count as this one. */
  under?: string[];
}

export interface NavigationGroup {
  title: string | null;
  entries: Destination[];
}

/** What the sidebar, the palette and the shortcuts lead to. */
export const NAVIGATION: NavigationGroup[] = [
  {
    title: null,
    entries: [
      { path: "/dashboards", label: "Dashboards", icon: LayoutDashboard, key: "o" },
      { path: "/explore", label: "Explore", icon: Search, key: "e" },
      { path: "/live", label: "Live tail", icon: Radio, key: "l" },
      { path: "/findings", label: "Findings", icon: ShieldAlert, key: "f" },
      { path: "/topology", label: "Topology", icon: Network, key: "t" },
    ],
  },
  {
    title: "Network",
    entries: [
      { path: "/flow-logs", label: "Flow logs", icon: ScrollText, key: "w" },
      { path: "/interfaces", label: "Interfaces", icon: Cable, key: "i" },
      {
        path: "/security-groups",
        label: "Security groups",
        icon: Shield,
        key: "s",
        under: ["/explain"],
      },
    ],
  },
  {
    title: "Manage",
    entries: [
      { path: "/sources", label: "Sources", icon: Database, key: "r", under: ["/quarantine"] },
      { path: "/health", label: "Health", icon: HeartPulse, key: "h" },
      { path: "/settings", label: "Settings", icon: Settings, key: "," },
    ],
  },
];

export const MANUAL = { path: "/manual/", label: "Manual", icon: BookOpen };

/** Whether an entry is where the reader is. */
export function isWithin(entry: Destination, path: string): boolean {
  return [entry.path, ...(entry.under ?? [])].some(
    (root) => path === root || path.startsWith(`${root}/`),
  );
}
