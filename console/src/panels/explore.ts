/** Ways from a panel to the records behind it. */
import { hrefOf, navigate } from "../state/location";
import { filterOf, type Scope } from "./ask";
import type { Query } from "./document";
import type { Finding } from "./kinds";

/** Findings are looked at with this much time around them. Units: seconds. */
const AROUND_S = 300;

/** The address in Explore of what a panel asks: same range, filter and question. */
export function exploreLink(query: Query, scope: Scope): string {
  const params = new URLSearchParams({ filter: filterOf(query, scope) });
  if (query.sql) params.set("sql", query.sql);
  else if (query.question === "breakdown") {
    const { by, sort } = (query.parameters ?? {}) as Record<string, unknown>;
    params.set("mode", "pivot");
    if (by) params.set("by", String(by));
    if (sort) params.set("measure", String(sort));
  }
  return `/explore?${params}`;
}

/** Opens the records of a finding, in its time. */
export function exploreFinding(finding: Finding): void {
  const params = new URLSearchParams({
    start: String(Math.max(0, finding.start_s - AROUND_S)),
    end: String((finding.end_s ?? finding.start_s) + AROUND_S),
  });
  if (finding.filter) params.set("filter", finding.filter);
  navigate(hrefOf(`/explore?${params}`, { last: null }));
}
