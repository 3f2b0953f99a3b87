/** What a panel asks of the server, by the kind of its source. */

import { ask, askSql, type GetOptions, getJson, type Params } from "../api/client";
import { type Asked, useAsked } from "../api/hooks";
import type { RejectedPorts } from "../api/schema";
import type { Answer, Cell } from "../api/types";
import type { Graph } from "../charts/graph";
import { joinTerms } from "../filter/terms";
import type { Span } from "../state/range";
import type { Query } from "./document";
import type { Finding } from "./kinds";

/** What came for a panel: one of the three. */
export interface PanelData {
  answer?: Answer;
  graph?: Graph & Pick<Answer, "scan" | "coverage" | "truncated" | "elapsed_s" | "notes">;
  findings?: Finding[];
}

export interface Scope {
  range: Span;
  /** The page's filter and the dashboard's. */
  filter: string;
}

/** The whole filter of a query: the page's, the dashboard's, the panel's. */
export const filterOf = (query: Query | null | undefined, scope: Scope): string =>
  joinTerms([scope.filter, query?.filter ?? ""]);

/** Asks what a panel shows; null asks nothing. */
export function usePanelData(
  query: Query | null | undefined,
  scope: Scope | null,
): Asked<PanelData> {
  const key = query && scope ? JSON.stringify([query, scope.range, scope.filter]) : null;
  return useAsked(key, (how) => load(query as Query, scope as Scope, how));
}

async function load(query: Query, scope: Scope, how: GetOptions): Promise<PanelData> {
  const { start, end } = scope.range;
  const filter = filterOf(query, scope);
  if (query.sql) {
    return { answer: await askSql({ text: query.sql, start, end, filter }, how) };
  }
  const params = { ...(query.parameters as Params), start, end, filter };
  switch (query.question) {
    case "graph":
      return { graph: await getJson<PanelData["graph"]>("/graph", params, how) };
    case "findings":
      return { findings: await loadFindings(params, how) };
    case "rejected_ports":
      return { answer: portsAnswer(await getJson<RejectedPorts>("/rejected-ports", params, how)) };
    default:
      return { answer: await ask(query.question ?? "", params, how) };
  }
}

/** Findings of a range. Errors: Fault. */
export async function loadFindings(params: Params, how: GetOptions = {}): Promise<Finding[]> {
  const found = await getJson<{ findings: Finding[] }>("/findings", params, how);
  return found.findings;
}

/** Refused ports as rows, so that bars, tables and exports take them. */
function portsAnswer(found: RejectedPorts): Answer {
  const columns = [
    { name: "port", kind: "port", label: "Port", quiet: false },
    { name: "protocol", kind: "protocol", label: "Protocol", quiet: false },
    { name: "records", kind: "count", label: "Records", quiet: false },
    { name: "sources", kind: "count", label: "Sources", quiet: false },
    { name: "rule_text", kind: "rule", label: "Rule", quiet: false },
    { name: "why", kind: "text", label: "Why", quiet: false },
    { name: "first_seen", kind: "time", label: "First seen", quiet: true },
    { name: "last_seen", kind: "time", label: "Last seen", quiet: true },
    { name: "pick_filter", kind: "text", label: "Filter", quiet: true },
  ] as Answer["columns"];
  const ports = found.ports ?? [];
  const list = (value: (port: (typeof ports)[number]) => Cell) => ports.map(value);
  return {
    columns,
    rows: ports.length,
    data: {
      port: list((one) => one.port ?? null),
      protocol: list((one) => one.protocol),
      records: list((one) => one.records),
      sources: list((one) => one.sources),
      rule_text: list((one) => one.rule_name || one.rule || null),
      why: list((one) => one.why),
      first_seen: list((one) => one.first_seen_s),
      last_seen: list((one) => one.last_seen_s),
      pick_filter: list((one) => one.filter),
    },
    names: {},
    time: null,
    scan: found.scan,
    coverage: found.coverage,
    truncated: found.truncated,
    elapsed_s: found.elapsed_s,
    snapshot: "",
    notes: found.notes,
    sections: null,
  } as Answer;
}
