/** From what is chosen in the editor to a panel's query, and back. */
import type { DashboardPanel, Query } from "../../../panels/document";
import { bottomOf, freshId } from "../../../panels/document";
import { PANEL_KINDS, type PanelKind, type PanelQuery } from "../../../panels/kinds";

/** Fields that a panel may be split by at once, and how many values of them. */
export const SPLITS_MAX = 3;
export const TOP_DEFAULT = 6;

export interface Choices {
  measure: string;
  by: string[];
  top: number;
}

/** Kinds over time ask for intervals. */
const OVER_TIME: ReadonlySet<PanelKind> = new Set(["area", "line"]);
/** Kinds whose query follows from measure and split. */
export const BUILT: ReadonlySet<PanelKind> = new Set(["area", "line", "bars", "table", "pie"]);
const BUILT_QUESTIONS: ReadonlySet<string> = new Set(["series", "breakdown"]);

/** What each kind asks when it is chosen and cannot show what was asked before. */
const FIRST: Partial<Record<PanelKind, Query>> = {
  sankey: { question: "graph", parameters: { level: "interface", limit: 40 } },
  matrix: { question: "graph", parameters: { level: "subnet", limit: 200 } },
  map: { question: "countries" },
  heat: { question: "round_trip" },
  number: { question: "figures" },
  figures: { question: "figures" },
  findings: { question: "findings" },
};

/** A panel that is not there yet. */
export function newPanel(panels: readonly DashboardPanel[]): DashboardPanel {
  return {
    id: freshId(panels),
    kind: "area",
    title: "",
    hint: "",
    query: { question: "series" },
    options: { measure: "bytes" },
    grid: { x: 0, y: bottomOf(panels), w: 6, h: 8 },
  };
}

/** Whether measure and split say all that a panel asks. */
export function isBuilt({ kind, query }: DashboardPanel): boolean {
  return BUILT.has(kind) && !query?.sql && BUILT_QUESTIONS.has(query?.question ?? "");
}

/** What is chosen, read from a panel. */
export function choicesOf({ query, options, kind }: DashboardPanel): Choices {
  const { by, split, limit } = (query?.parameters ?? {}) as Record<string, unknown>;
  const named = query?.question === "breakdown" ? by : split === "none" ? undefined : split;
  const fields = typeof named === "string" ? named.split(",").map((one) => one.trim()) : [];
  const top =
    typeof limit === "number" ? limit : (options.top ?? (kind === "table" ? 20 : TOP_DEFAULT));
  return { measure: options.measure ?? "bytes", by: fields.filter(Boolean), top };
}

/** A panel with other choices. */
export function withChoices(panel: DashboardPanel, choices: Choices): DashboardPanel {
  const { measure, by, top } = choices;
  const filter = panel.query?.filter ?? "";
  const sort = measure;
  const query: Query =
    by.length === 0 && OVER_TIME.has(panel.kind)
      ? { question: "series", filter }
      : {
          question: "breakdown",
          filter,
          parameters: {
            by: by.length > 0 ? by.join(",") : "address",
            limit: top,
            sort,
            ...(OVER_TIME.has(panel.kind) ? { interval: "auto", other: true } : {}),
          },
        };
  return { ...panel, query, options: { ...panel.options, measure, top } };
}

/** A panel of another kind, with a query that this kind can show. */
export function withKind(panel: DashboardPanel, kind: PanelKind): DashboardPanel {
  const next = { ...panel, kind };
  if (kind === "text") return { ...next, query: null, options: { text: panel.options.text ?? "" } };
  const asks = panel.query as PanelQuery | null | undefined;
  if (isBuilt(panel) && BUILT.has(kind)) return withChoices(next, choicesOf(panel));
  if (asks && PANEL_KINDS[kind].accepts(asks)) return next;
  const filter = panel.query?.filter ?? "";
  const first = FIRST[kind];
  if (first) return { ...next, query: { ...first, filter } };
  const choices = BUILT.has(panel.kind) ? choicesOf(panel) : { measure: "bytes", by: [], top: 6 };
  return withChoices(next, choices);
}

/** A question as it is written: its name, then a line for each parameter. */
export function queryText(query: Query | null | undefined): string {
  if (!query) return "";
  if (query.sql) return query.sql;
  const lines = Object.entries(query.parameters ?? {}).map(([name, value]) => `${name}: ${value}`);
  return [query.question, ...lines].join("\n");
}

/** A question from its text. Errors: Error with the line at fault. */
export function parseQuery(text: string): Query {
  const [question = "", ...lines] = text.split("\n").map((line) => line.trim());
  if (!/^[a-z][a-z_]*$/.test(question))
    throw new Error("The first line is the name of a question, such as breakdown.");
  const parameters: Record<string, unknown> = {};
  for (const line of lines.filter(Boolean)) {
    const match = /^([a-z_]+)\s*[:=]\s*(.*)$/.exec(line);
    if (!match) throw new Error(`“${line}” is no parameter; write it as limit: 10.`);
    parameters[match[1] ?? ""] = readValue(match[2] ?? "");
  }
  return { question, parameters };
}

function readValue(text: string): unknown {
  if (/^-?\d+(\.\d+)?$/.test(text)) return Number(text);
  if (text === "true" || text === "false") return text === "true";
  return text;
}

/** SQL to begin with. */
export const SQL_FIRST = `SELECT to_timestamp(start - start % 300) AS time,
       action, sum(bytes) AS bytes
FROM flow_records
WHERE $time AND $filters
GROUP BY ALL ORDER BY 1`;
