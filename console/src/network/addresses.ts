/** Addresses of pages that belong to a part of the network. */

import { joinTerms } from "../filter/terms";
import { hrefOf } from "../state/location";

export interface FiveTuple {
  source: string;
  destination: string;
  protocol: string;
  sport?: string;
  dport?: string;
  vpc?: string;
}

/** Explore with the page's filter and one more condition. */
export function exploreHref(pageFilter: string, condition: string): string {
  return hrefOf("/explore", { filter: joinTerms([pageFilter, condition]) || null });
}

/** The page that explains why a flow passes or not. */
export function explainHref(flow: Partial<FiveTuple>): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(flow)) if (value) params.set(name, value);
  return `/explain?${params}`;
}

/** The wizard for a flow log of something. */
export const newFlowLogHref = (resource: string): string =>
  `/flow-logs/new?resource=${encodeURIComponent(resource)}`;
