import {
  ArrowUpRight,
  EllipsisVertical,
  FileDown,
  Image as ImageIcon,
  Link2,
  Maximize2,
  Table2,
  TriangleAlert,
} from "lucide-react";
import { type ReactNode, useEffect, useId, useRef, useState } from "react";
import { type Asked, InView } from "../api/hooks";
import type { Answer } from "../api/types";
import { hrefOf, navigate } from "../state/location";
import { permalink, useRange } from "../state/range";
import { formatCount } from "../time/format";
import { Button, IconButton } from "../ui/Button";
import { copyText } from "../ui/clipboard";
import { Dialog } from "../ui/Dialog";
import { Menu, type MenuItem } from "../ui/Menu";
import { EmptyState, ErrorState, Skeleton } from "../ui/State";
import { toast } from "../ui/Toast";
import { Tooltip } from "../ui/Tooltip";
import { AnswerTable } from "./AnswerTable";
import { csvOf, download, fileName } from "./files";

/** Loading shorter than this shows nothing. */
const LOADING_SHOWN_MS = 300;

export interface PanelFrameProps {
  title: string;
  /** A quiet line beside the title: the unit, the count. */
  hint?: ReactNode;
  /** Legend, segmented switch or button in the header. */
  tools?: ReactNode;
  /** What was asked; gives loading, error, empty and partial their look. */
  asked?: Asked<unknown>;
  /** The answer behind the chart: for the table view, CSV, and the partial note. */
  answer?: Answer;
  /** Whether there is nothing to draw; by default an answer without rows. */
  empty?: boolean;
  emptyTitle?: string;
  emptyText?: ReactNode;
  /** A note that what is seen is not all; by default from the answer. */
  partial?: string;
  /** A path such as `/explore?q=…`, for "Open in Explore". */
  explore?: string;
  /** Gives the chart as a PNG data address. */
  png?: () => string | undefined;
  /** More entries, before the others. */
  menu?: MenuItem[];
  /** Takes the page of the panel; by default the present page. */
  link?: string;
  /** Whether the content scrolls: lists and tables. */
  scrolls?: boolean;
  /** Draws the content in the full screen as well. */
  children: ReactNode | ((view: { full: boolean }) => ReactNode);
}

/** The frame of a panel: header, states, menu, table view, full screen. */
export function PanelFrame(props: PanelFrameProps) {
  const { title, hint, tools, answer } = props;
  const [view, setView] = useState<"chart" | "table">("chart");
  const [full, setFull] = useState(false);
  const titleId = useId();
  const box = useRef<HTMLElement>(null);
  const inView = useInView(box);
  const busy = useLate(props.asked?.loading ?? false);
  const items = usePanelMenu(props, view, setView, () => setFull(true));
  const note = props.partial ?? partialOf(answer);
  return (
    <InView.Provider value={inView}>
      <section ref={box} className="panel" aria-labelledby={titleId} aria-busy={busy || undefined}>
        {busy && <div className="panel-load" />}
        <header>
          <h2 id={titleId}>{title}</h2>
          {hint && <span className="hint">{hint}</span>}
          {note && (
            <Tooltip text={note}>
              <button type="button" className="panel-note" aria-label={`Partial: ${note}`}>
                <TriangleAlert size={11} aria-hidden />
                partial
              </button>
            </Tooltip>
          )}
          <div className="tools">
            {tools}
            <IconButton
              label={`Full screen: ${title}`}
              icon={<Maximize2 size={14} />}
              onClick={() => setFull(true)}
            />
            <Menu label={`Menu of ${title}`} icon={<EllipsisVertical size={15} />} items={items} />
          </div>
        </header>
        <PanelContent {...props} view={view} full={false} />
        {full && (
          <Dialog title={title} onClose={() => setFull(false)} size="full">
            <div className="panel-full">
              <PanelContent {...props} view={view} full />
            </div>
          </Dialog>
        )}
      </section>
    </InView.Provider>
  );
}

function PanelContent(props: PanelFrameProps & { view: "chart" | "table"; full: boolean }) {
  const { asked, answer, view, full } = props;
  const waited = useLate(asked?.loading ?? false);
  const nothing = asked !== undefined && asked.data === undefined;
  if (nothing && asked.fault) {
    return (
      <div className="content">
        <ErrorState fault={asked.fault} onRetry={asked.retry} />
      </div>
    );
  }
  if (nothing) return <div className="content">{waited && <Skeleton lines={5} />}</div>;
  const none = props.empty ?? (answer !== undefined && answer.rows === 0);
  if (none && !asked?.loading) {
    return (
      <div className="content">
        <EmptyState title={props.emptyTitle ?? "No records in this range"}>
          {props.emptyText}
        </EmptyState>
      </div>
    );
  }
  const dimmed = asked !== undefined && waited && !asked.fresh;
  const classes = `content ${dimmed ? "dimmed" : ""} ${props.scrolls || view === "table" ? "scrolls" : ""}`;
  return (
    <div className={classes}>
      {view === "table" && answer ? (
        <AnswerTable answer={answer} label={props.title} />
      ) : typeof props.children === "function" ? (
        props.children({ full })
      ) : (
        props.children
      )}
      {asked?.fault && (
        <div className="panel-stale" role="alert">
          <span>{asked.fault.message} What you see is from before.</span>
          <Button size="sm" onClick={asked.retry}>
            Retry
          </Button>
        </div>
      )}
    </div>
  );
}

function usePanelMenu(
  props: PanelFrameProps,
  view: "chart" | "table",
  setView: (view: "chart" | "table") => void,
  openFull: () => void,
): MenuItem[] {
  const range = useRange();
  const { answer, explore, png, title } = props;
  const items: MenuItem[] = [...(props.menu ?? [])];
  if (answer) {
    items.push({
      label: view === "table" ? "View as chart" : "View as table",
      icon: <Table2 size={14} />,
      onSelect: () => setView(view === "table" ? "chart" : "table"),
    });
  }
  if (explore) {
    items.push({
      label: "Open in Explore",
      icon: <ArrowUpRight size={14} />,
      onSelect: () => navigate(hrefOf(explore)),
    });
  }
  items.push({
    label: "Copy link",
    icon: <Link2 size={14} />,
    onSelect: () => copyLink(props.link ?? permalink(range)),
  });
  if (answer) {
    items.push({
      label: "Export CSV",
      icon: <FileDown size={14} />,
      onSelect: () =>
        download(fileName(title, "csv"), new Blob([csvOf(answer)], { type: "text/csv" })),
    });
  }
  if (png && view === "chart") {
    items.push({
      label: "Export PNG",
      icon: <ImageIcon size={14} />,
      onSelect: () => {
        const address = png();
        if (address) download(fileName(title, "png"), address);
        else toast("There is no picture yet", { kind: "error" });
      },
    });
  }
  items.push({ label: "Full screen", icon: <Maximize2 size={14} />, onSelect: openFull });
  return items;
}

/** Puts an address into the clipboard and says so. */
export function copyLink(address: string): void {
  void copyText(address, "Copied the link");
}

/** Why an answer is not all there is; undefined when it is. That a list has an end is no reason. */
export function partialOf(answer: Answer | undefined): string | undefined {
  if (!answer?.coverage.lower_bound) return undefined;
  const count = formatCount(answer.coverage.skipdata_records);
  return `Some records were not captured (${count} SKIPDATA), so sums are at least this.`;
}

/** True once `on` has lasted long enough to be worth showing. */
export function useLate(on: boolean): boolean {
  const [late, setLate] = useState(false);
  useEffect(() => {
    if (!on) {
      setLate(false);
      return;
    }
    const timer = window.setTimeout(() => setLate(true), LOADING_SHOWN_MS);
    return () => window.clearTimeout(timer);
  }, [on]);
  return on && late;
}

function useInView(box: { current: HTMLElement | null }): { current: boolean } {
  const seen = useRef(true);
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const watch = new IntersectionObserver((entries) => {
      seen.current = entries.at(-1)?.isIntersecting ?? true;
    });
    watch.observe(element);
    return () => watch.disconnect();
  }, [box]);
  return seen;
}
