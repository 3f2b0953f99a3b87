import { type ComponentType, type LazyExoticComponent, lazy } from "react";
import { loadPatiently } from "./patientLoad";

/** What a page is given: the parts of its path that vary. */
export interface PageProps {
  params: Record<string, string>;
}

type LazyPage = LazyExoticComponent<ComponentType<PageProps>>;

interface Route {
  path: string;
  page: LazyPage;
}

function page(load: () => Promise<{ default: ComponentType<PageProps> }>): LazyPage {
  return lazy(() => loadPatiently(load));
}

export const NOT_FOUND: LazyPage = page(() => import("../pages/notFound/Page"));

/** Pages by path; the first that fits is shown, so `new` stands before `:id`. */
export const ROUTES: Route[] = [
  { path: "/dashboards", page: page(() => import("../pages/dashboards/Page")) },
  { path: "/dashboards/:id", page: page(() => import("../pages/dashboard/Page")) },
  { path: "/explore", page: page(() => import("../pages/explore/Page")) },
  { path: "/live", page: page(() => import("../pages/live/Page")) },
  { path: "/topology", page: page(() => import("../pages/topology/Page")) },
  { path: "/findings", page: page(() => import("../pages/findings/Page")) },
  { path: "/flow-logs", page: page(() => import("../pages/flowLogs/Page")) },
  { path: "/flow-logs/new", page: page(() => import("../pages/flowLogWizard/Page")) },
  { path: "/flow-logs/:id", page: page(() => import("../pages/flowLog/Page")) },
  { path: "/interfaces", page: page(() => import("../pages/interfaces/Page")) },
  { path: "/security-groups", page: page(() => import("../pages/securityGroups/Page")) },
  { path: "/security-groups/:id", page: page(() => import("../pages/securityGroup/Page")) },
  { path: "/explain", page: page(() => import("../pages/explain/Page")) },
  { path: "/sources", page: page(() => import("../pages/sources/Page")) },
  { path: "/quarantine", page: page(() => import("../pages/quarantine/Page")) },
  { path: "/settings", page: page(() => import("../pages/settings/Page")) },
  { path: "/health", page: page(() => import("../pages/health/Page")) },
];

/** Old and short addresses, and where they lead. */
export const REDIRECTS: Record<string, string> = {
  "/": "/dashboards/overview",
  "/sign-in": "/dashboards/overview",
};

/** The variable parts of `path` when it fits a pattern such as `/flow-logs/:id`. */
export function matchPath(pattern: string, path: string): Record<string, string> | undefined {
  const wanted = pattern.split("/");
  const given = path.replace(/\/+$/, "").split("/");
  if (wanted.length !== given.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, part] of wanted.entries()) {
    const own = given[index] ?? "";
    if (part.startsWith(":")) {
      if (!own) return undefined;
      params[part.slice(1)] = decode(own);
    } else if (part !== own) return undefined;
  }
  return params;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The page of a path with its parameters. */
export function routeOf(path: string): { page: LazyPage; params: Record<string, string> } {
  for (const route of ROUTES) {
    const params = matchPath(route.path, path);
    if (params) {
      // A fixed path wins over one with a variable part, wherever it stands in the list.
      const exact = ROUTES.find((other) => other.path === path);
      return exact ? { page: exact.page, params: {} } : { page: route.page, params };
    }
  }
  return { page: NOT_FOUND, params: {} };
}
