import { type ReactNode, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { useExtent } from "../api/health";
import { InView } from "../api/hooks";
import type { Answer } from "../api/types";
import { answerOf, type ChartTable } from "../charts/answer";
import { LegendSlot } from "../charts/Legend";
import type { TimeMarker } from "../charts/timeSeries";
import { hrefOf, navigate } from "../state/location";
import { previousName, previousOf, type Span, setRange } from "../state/range";
import { useZone } from "../state/zone";
import { Button } from "../ui/Button";
import { Segmented } from "../ui/Choice";
import type { MenuItem } from "../ui/Menu";
import { type PanelData, type Scope, usePanelData } from "./ask";
import { type DashboardPanel, type PanelView, type Query, viewed } from "./document";
import { exploreFinding, exploreLink } from "./explore";
import { type KindProps, kindNamed } from "./kinds";
import { PanelFrame } from "./PanelFrame";
import { pickToFilter } from "./pick";
import { pictureOf } from "./picture";

export interface PanelCardProps {
  panel: DashboardPanel;
  scope: Scope;
  /** Whether the period before is drawn as well. */
  compare?: boolean;
  markers?: readonly TimeMarker[];
  /** Entries of the menu while the dashboard is edited. */
  editing?: MenuItem[];
  onEdit?: () => void;
}

/** Charts of one dashboard share one cursor. */
const GROUP = "dashboard";
/** How far outside the window a panel begins to ask. */
const NEAR_PX = 400;

/** A panel of a dashboard: asks when it is near the window, and draws what came. */
export function PanelCard(props: PanelCardProps) {
  const box = useRef<HTMLDivElement>(null);
  const { near, inView } = useNear(box);
  return (
    <div ref={box} className="panel-cell">
      <InView.Provider value={inView}>
        <Filled {...props} near={near} box={box} />
      </InView.Provider>
    </div>
  );
}

type Box = { current: HTMLElement | null };

function Filled(props: PanelCardProps & { near: boolean; box: Box }) {
  const { scope, near } = props;
  const [at, setAt] = useState(0);
  const views = props.panel.options.views ?? [];
  const panel = viewed(props.panel, views[at]);
  const kind = kindNamed(panel.kind);
  const shown = usePanelQuery(panel, near ? scope : null);
  const { asked } = shown;
  const previous = usePrevious(panel, shown.query, near && props.compare ? scope : null);
  const [slot, setSlot] = useState<HTMLElement | null>(null);
  const zone = useZone();
  const kindProps: KindProps = {
    title: shown.title,
    options: panel.options,
    zone,
    answer: asked.data?.answer,
    previous: previous?.answer,
    previousLabel: previousLabel(scope.range),
    graph: asked.data?.graph,
    findings: asked.data?.findings,
    markers: panel.options.markers ? props.markers : undefined,
    group: GROUP,
    onPick: pickToFilter,
    onRange: (start, end) => setRange({ start, end }),
    onFinding: exploreFinding,
  };
  const Kind = kind.component;
  const table = useTable(asked.data, kind.table, kindProps);
  return (
    <PanelFrame
      title={shown.title}
      hint={shown.hint || hintOf(panel, asked.data)}
      asked={kind.source === "none" ? undefined : asked}
      answer={asked.data?.answer ?? table}
      empty={isEmpty(asked.data)}
      emptyTitle={emptyTitle(panel, shown.query)}
      emptyText={emptyText(panel, shown.query)}
      tools={
        <>
          <span ref={setSlot} className="legend-slot" />
          <Views
            panel={props.panel}
            at={shown.instead ? sameQuestion(views, shown.query, at) : at}
            views={views}
            onView={setAt}
          />
          {panel.kind === "findings" && (
            <Button size="sm" onClick={() => navigate(hrefOf("/findings"))}>
              View all
            </Button>
          )}
        </>
      }
      menu={props.editing}
      explore={shown.query ? exploreLink(shown.query, scope) : undefined}
      png={hasPicture(panel) ? () => pictureOf(props.box.current) : undefined}
      partial={partialRows(asked.data)}
      scrolls={panel.kind === "table"}
    >
      {({ full }) => (
        <LegendSlot value={full ? null : slot}>
          <Kind {...kindProps} />
        </LegendSlot>
      )}
    </PanelFrame>
  );
}

interface ViewsProps {
  panel: DashboardPanel;
  views: readonly PanelView[];
  at: number;
  onView: (at: number) => void;
}

function Views({ panel, views, at, onView }: ViewsProps): ReactNode {
  if (views.length < 2) return null;
  return (
    <Segmented
      label={`View of ${panel.title}`}
      value={String(at)}
      options={views.map((view, index) => ({ value: String(index), label: view.label }))}
      onChange={(value) => onView(Number(value))}
    />
  );
}

/** The view that asks the same as what stands in for the panel's own question. */
function sameQuestion(views: readonly PanelView[], query: Query | null, at: number): number {
  const found = views.findIndex((view) => view.query?.question === query?.question);
  return found < 0 ? at : found;
}

/** The panel's own question, or what stands in for it where it has no rows. */
function usePanelQuery(panel: DashboardPanel, scope: Scope | null) {
  const kind = kindNamed(panel.kind);
  const query: Query | null =
    kind.source === "none" ? null : (panel.query ?? { question: "findings" });
  const own = usePanelData(query, scope);
  const fallback = panel.options.fallback;
  const none = Boolean(fallback) && own.data?.answer?.rows === 0;
  const other = usePanelData(fallback?.query, none ? scope : null);
  if (none && fallback) {
    const { title, hint } = fallback;
    return { asked: other, query: fallback.query, title, hint, instead: true };
  }
  return { asked: own, query, title: panel.title, hint: panel.hint, instead: false };
}

/** So much of the period before may be older than the table. */
const MISSING_SHARE = 0.1;

/** Kinds that draw the period before as a line. */
const COMPARED: ReadonlySet<string> = new Set(["area", "line", "number"]);

function usePrevious(panel: DashboardPanel, query: Query | null, scope: Scope | null) {
  const split = query?.parameters?.split ?? query?.parameters?.by;
  // Beside many lines the total of the period before says little.
  const fits = panel.options.compare ?? !split;
  const wanted = scope && query && COMPARED.has(panel.kind) && fits;
  const known = useComparable(scope?.range);
  const before = wanted && known ? { ...scope, range: previousOf(scope.range) } : null;
  return usePanelData(query, before).data;
}

/** Whether the table reaches back over the period before; what began within it says too little. */
export function useComparable(range: Span | undefined): boolean {
  const extent = useExtent();
  if (!range || !extent) return false;
  const before = previousOf(range);
  return extent.first <= before.start + (before.end - before.start) * MISSING_SHARE;
}

/** What the period before is called, as a label. */
export function previousLabel(range: Span): string {
  const name = previousName(range);
  return `${name.slice(0, 1).toUpperCase()}${name.slice(1)}`;
}

/** Rows for the table view of what is no answer: graphs and findings. */
function useTable(
  data: PanelData | undefined,
  tableOf: (props: KindProps) => ChartTable | null,
  props: KindProps,
): Answer | undefined {
  // biome-ignore lint/correctness/useExhaustiveDependencies: the rest does not change the rows
  return useMemo(() => {
    if (!data || data.answer) return undefined;
    const table = tableOf(props);
    if (!table) return undefined;
    const lists = table.columns.map((column, at) => [
      column.name,
      table.rows.map((row) => row[at] ?? null),
    ]);
    const { scan, coverage, truncated, elapsed_s, notes } = data.graph ?? {};
    return {
      columns: table.columns.map((column) => ({ quiet: false, ...column })),
      rows: table.rows.length,
      data: Object.fromEntries(lists),
      names: {},
      time: null,
      scan: scan ?? { rows: 0, bytes: 0, files: 0, files_pruned: 0, rollup: false },
      coverage: coverage ?? { skipdata_records: 0, nodata_records: 0, lower_bound: false },
      truncated: truncated ?? false,
      elapsed_s: elapsed_s ?? 0,
      snapshot: "",
      notes: notes ?? [],
      sections: null,
    };
  }, [data, tableOf]);
}

/** Gaps of coverage are told once, above the panels; here only that rows are left out. */
function partialRows(data: PanelData | undefined): string {
  const truncated = data?.answer?.truncated ?? data?.graph?.truncated;
  return truncated ? "only the largest are shown" : "";
}

function isEmpty(data: PanelData | undefined): boolean | undefined {
  if (data?.graph) return data.graph.links.length === 0;
  if (data?.findings) return data.findings.length === 0;
  return undefined;
}

function emptyTitle(panel: DashboardPanel, query: Query | null): string | undefined {
  if (panel.options.emptyTitle) return panel.options.emptyTitle;
  if (panel.kind === "findings") return "Nothing was found in this time range";
  if (panel.kind === "map") return "No country is known for these addresses";
  if (query?.question === "round_trip") return "No round-trip times here";
  if (query?.question === "lag") return "The lag of these records is not known";
  return undefined;
}

function emptyText(panel: DashboardPanel, query: Query | null): ReactNode {
  if (panel.options.emptyText) return panel.options.emptyText;
  if (panel.kind === "map") {
    return (
      <>
        Countries come from a range file of your own (MMDB or CSV). Add one with{" "}
        <code className="mono">vpcflow ranges add FILE</code>
      </>
    );
  }
  if (query?.question === "round_trip") return "vpcflow measures them where it meters packets.";
  if (query?.question === "lag") return "It is noted from the time on that records are taken in.";
  return undefined;
}

/** A quiet line beside the title where the author wrote none: what and per how long. */
function hintOf(panel: DashboardPanel, data: PanelData | undefined): string | undefined {
  if (data?.findings) return `${data.findings.length} open`;
  if (!data?.answer || !["area", "line"].includes(panel.kind)) return undefined;
  const step = data.answer.time?.interval_s;
  const measure = answerOf(data.answer).meta(panel.options.measure ?? "bytes");
  if (!step || !measure) return undefined;
  const width = step % 3600 === 0 ? `${step / 3600} h` : `${Math.round(step / 60)} min`;
  return `${measure.label.toLowerCase()} per ${width.replace(/^1 /, "")}`;
}

const PICTURES: ReadonlySet<string> = new Set(["area", "line", "sankey", "heat", "pie", "bars"]);
const hasPicture = (panel: DashboardPanel): boolean => PICTURES.has(panel.kind);

/** Whether a box has come near the window, and whether it is in view. */
function useNear(box: Box): { near: boolean; inView: { current: boolean } } {
  const [near, setNear] = useState(false);
  const inView = useRef(true);
  useLayoutEffect(() => {
    // An observer tells it a frame later, and on a busy machine frames are rare.
    const top = box.current?.getBoundingClientRect().top ?? Number.POSITIVE_INFINITY;
    if (top < window.innerHeight + NEAR_PX) setNear(true);
  }, [box]);
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const view = new IntersectionObserver((entries) => {
      inView.current = entries.at(-1)?.isIntersecting ?? true;
    });
    const close = new IntersectionObserver(
      (entries) => {
        if (!entries.some((entry) => entry.isIntersecting)) return;
        setNear(true);
        close.disconnect();
      },
      { rootMargin: `${NEAR_PX}px` },
    );
    view.observe(element);
    close.observe(element);
    return () => {
      view.disconnect();
      close.disconnect();
    };
  }, [box]);
  return { near, inView };
}
