/** How an answer of the API becomes a picture: every kind of panel by its name. */
import type { KindInfo, PanelKind, PanelQuery } from "./panel";
import * as shares from "./shares";
import * as time from "./time";
import * as words from "./words";

export * from "./panel";

const GRAPH: ReadonlySet<string> = new Set(["graph", "graph_edges"]);
const isGraph = ({ question }: PanelQuery): boolean =>
  question !== undefined && GRAPH.has(question);
const isFindings = ({ question }: PanelQuery): boolean => question === "findings";
const asks = (query: PanelQuery): boolean =>
  Boolean(query.sql || query.question) && !isGraph(query) && !isFindings(query);
/** Questions whose rows are not bars, shares or places. */
const BINS: ReadonlySet<string> = new Set(["round_trip", "lag"]);
const asksNames = (query: PanelQuery): boolean => asks(query) && !BINS.has(query.question ?? "");
const asksBins = (query: PanelQuery): boolean =>
  asks(query) && (Boolean(query.sql) || BINS.has(query.question ?? ""));
const asksFigures = (query: PanelQuery): boolean =>
  asks(query) &&
  (Boolean(query.sql) || query.question === "figures" || query.question === "overview");
const asksCountries = (query: PanelQuery): boolean =>
  asks(query) && (Boolean(query.sql) || query.question === "countries");
const always = (): boolean => true;

/** Questions whose rows are intervals of time. */
const OVER_TIME: ReadonlySet<string> = new Set(["series", "traffic", "breakdown", "activity"]);
const asksOverTime = (query: PanelQuery): boolean =>
  asks(query) && (Boolean(query.sql) || OVER_TIME.has(query.question ?? ""));

export const PANEL_KINDS: Record<PanelKind, KindInfo> = {
  area: {
    label: "Area",
    component: time.AreaPanel,
    accepts: asksOverTime,
    defaultOptions: { measure: "bytes", top: 6, legend: "header" },
    source: "answer",
    sentence: time.sentenceOverTime,
    table: time.tableOverTime,
  },
  line: {
    label: "Line",
    component: time.LinePanel,
    accepts: asksOverTime,
    defaultOptions: { measure: "bytes", top: 6, legend: "header" },
    source: "answer",
    sentence: time.sentenceOverTime,
    table: time.tableOverTime,
  },
  bars: {
    label: "Bars",
    component: time.BarsPanel,
    accepts: asksNames,
    defaultOptions: { top: 10 },
    source: "answer",
    sentence: time.barsText,
    table: time.barsRows,
  },
  table: {
    label: "Table",
    component: words.TablePanel,
    accepts: asks,
    defaultOptions: { top: 100 },
    source: "answer",
    sentence: words.tableText,
    table: words.tableRows,
  },
  sankey: {
    label: "Sankey",
    component: shares.SankeyPanel,
    accepts: isGraph,
    defaultOptions: { limit: 40 },
    source: "graph",
    sentence: shares.graphText,
    table: shares.graphRows,
  },
  matrix: {
    label: "Matrix",
    component: shares.MatrixPanel,
    accepts: isGraph,
    defaultOptions: { limit: 200 },
    source: "graph",
    sentence: shares.graphText,
    table: shares.graphRows,
  },
  map: {
    label: "Map",
    component: shares.MapPanel,
    accepts: asksCountries,
    defaultOptions: { country: "country" },
    source: "answer",
    sentence: shares.mapText,
    table: shares.mapRows,
  },
  heat: {
    label: "Heat map",
    component: shares.HeatPanel,
    accepts: asksBins,
    defaultOptions: { unit: "records" },
    source: "answer",
    sentence: shares.heatText,
    table: shares.heatRows,
  },
  number: {
    label: "Number",
    component: words.NumberPanel,
    accepts: asks,
    defaultOptions: { measure: "bytes", direction: "neutral" },
    source: "answer",
    sentence: words.numberText,
    table: words.numberRows,
  },
  figures: {
    label: "Figures",
    component: words.FiguresPanel,
    accepts: asksFigures,
    defaultOptions: {},
    source: "answer",
    sentence: words.figuresText,
    table: words.figuresRows,
  },
  findings: {
    label: "Findings",
    component: words.FindingsPanel,
    accepts: isFindings,
    defaultOptions: {},
    source: "findings",
    sentence: words.findingsText,
    table: words.findingsRows,
  },
  text: {
    label: "Text",
    component: words.TextPanel,
    accepts: always,
    defaultOptions: { text: "" },
    source: "none",
    sentence: (props) => props.title,
    table: () => null,
  },
  pie: {
    label: "Shares",
    component: shares.PiePanel,
    accepts: asksNames,
    defaultOptions: { top: 7 },
    source: "answer",
    sentence: shares.pieText,
    table: shares.pieRows,
  },
};

/** The kind of a name; a table for a name that this version does not know. */
export function kindNamed(name: string): KindInfo {
  return PANEL_KINDS[name as PanelKind] ?? PANEL_KINDS.table;
}
