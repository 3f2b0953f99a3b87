import { Maximize, Minus, Plus } from "lucide-react";
import { type KeyboardEvent, useEffect, useMemo, useState } from "react";
import "../charts.css";
import "./topology.css";
import { bytesText, countText } from "../format";
import {
  drawnLinks,
  type GraphLink,
  type GraphNode,
  type GraphProps,
  graphSentence,
  linkPick,
  linkText,
  namesOf,
  nodePick,
} from "../graph";
import { layoutOf, type Place } from "./layout";
import { type CanvasUse, useCanvas } from "./useCanvas";
import { usePanZoom } from "./usePanZoom";
import {
  boxAt,
  type Curve,
  centred,
  curveAt,
  curvesOf,
  nextPlace,
  placeAt,
  shown,
  zoomed,
} from "./view";

export interface TopologySelection {
  node?: GraphNode;
  link?: GraphLink;
}

export interface TopologyMapProps extends GraphProps {
  /** The node that is marked. */
  selectedId?: string | null;
  /** The link that is marked. */
  selectedLink?: GraphLink | null;
  /** Links that are drawn only while one of their ends is in focus. */
  more?: readonly GraphLink[];
  /** A node to be brought into view; another value moves there. */
  reveal?: string | null;
  /** Links with fewer rejected records are drawn without red. */
  redFrom?: number;
  /** Told of every click; null for the ground. Without it a click calls onPick. */
  onSelect?: (selection: TopologySelection | null) => void;
}

const LINKS_MAX = 500;

/** VPCs, subnets and interfaces as nested boxes, with what goes between them. */
export function TopologyMap(props: TopologyMapProps) {
  const { nodes, links, title, limit = LINKS_MAX, fields, selectedId = null } = props;
  const [hovered, setHovered] = useState<TopologySelection | null>(null);
  const layout = useMemo(() => layoutOf(nodes), [nodes]);
  const names = useMemo(() => namesOf({ nodes, links }), [nodes, links]);
  const curves = useMemo(() => curvesOf(layout, drawnLinks(links, limit)), [layout, links, limit]);
  const [current, setCurrent] = useState<Place | null>(null);
  const focus = hovered?.node?.id ?? current?.node.id ?? null;
  const scene = useScene(props, { layout, curves, focus, link: hovered?.link ?? null });
  const canvas = useCanvas(scene);
  useReveal(canvas, layout.places, props.reveal);
  const under = (x: number, y: number): TopologySelection | null => {
    const place = placeAt(layout, canvas.view(), x, y);
    if (place) return { node: place.node };
    const box = boxAt(layout, canvas.view(), x, y);
    if (box) return { node: box.node };
    const curve = curveAt(curves, canvas.view(), x, y);
    return curve ? { link: curve.link } : null;
  };
  const select = (what: TopologySelection | null) => {
    if (props.onSelect) return props.onSelect(what);
    if (what?.node) props.onPick?.(nodePick(what.node, fields, "source"));
    if (what?.link) props.onPick?.(linkPick(what.link, { nodes, links }, fields));
  };
  const pointer = usePanZoom(canvas, {
    onClick: (x, y) => select(under(x, y)),
    onHover: (x, y) => {
      const next = under(x, y);
      setHovered((was) => (was?.node === next?.node && was?.link === next?.link ? was : next));
    },
    onLeave: () => setHovered(null),
  });
  const keys = useKeys({
    canvas,
    layout,
    current,
    setCurrent,
    select,
    chosen: Boolean(selectedId || props.selectedLink),
  });
  const told = hovered?.node ?? (hovered ? null : current?.node);
  return (
    <div className="chart chart-topology">
      <div
        className={`topology-keys ${hovered ? "on-something" : ""}`}
        role="application"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: arrow keys move between the nodes
        tabIndex={0}
        aria-label={`${title}: arrow keys move between nodes, Enter selects, plus and minus zoom, 0 shows all`}
        onKeyDown={keys.press}
        onBlur={() => setCurrent(null)}
        {...pointer}
      >
        <canvas ref={canvas.ref} role="img" aria-label={graphSentence({ ...props, limit })} />
      </div>
      <ZoomButtons zoomBy={keys.zoomBy} fit={canvas.fit} />
      <p className="topology-told" aria-live="polite">
        {told
          ? nodeText(told, props.more ?? links, names)
          : hovered?.link && linkText(hovered.link, names)}
      </p>
    </div>
  );
}

interface KeysOf {
  canvas: CanvasUse;
  layout: ReturnType<typeof layoutOf>;
  current: Place | null;
  setCurrent: (place: Place) => void;
  /** Whether something is marked that Escape lets go. */
  chosen: boolean;
  select: (what: TopologySelection | null) => void;
}

/** What the keys do, and the buttons that zoom. */
function useKeys({ canvas, layout, current, setCurrent, chosen, select }: KeysOf) {
  const zoomBy = (factor: number) => {
    const { width, height } = canvas.size();
    canvas.setView(zoomed(canvas.view(), factor, width / 2, height / 2));
  };
  const press = (event: KeyboardEvent) => {
    const next = nextPlace(layout, current, event.key);
    if (next) {
      setCurrent(next);
      canvas.setView(shown(canvas.view(), next, canvas.size()));
    } else if (event.key === "Enter" && current) select({ node: current.node });
    else if (event.key === "Escape" && chosen) select(null);
    else if (event.key === "+" || event.key === "=") zoomBy(1.25);
    else if (event.key === "-") zoomBy(0.8);
    else if (event.key === "0") canvas.fit();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return { zoomBy, press };
}

interface SceneOf {
  layout: ReturnType<typeof layoutOf>;
  curves: readonly Curve[];
  focus: string | null;
  link: GraphLink | null;
}

/** What is drawn; of the node in focus all links, of the others those that are not too small. */
function useScene(props: TopologyMapProps, { layout, curves, focus, link }: SceneOf) {
  const { nodes, more, selectedId = null, selectedLink = null, redFrom = 1 } = props;
  const links = more ?? props.links;
  const ground = useMemo(() => ({ layout, curves, redFrom }), [layout, curves, redFrom]);
  const marked = focus ?? (link ? null : selectedId);
  const near = useMemo(() => {
    const one = link ?? (marked ? null : selectedLink);
    if (one) return curvesOf(layout, [one]);
    if (!marked) return [];
    // Of a box, the links of all that is in it.
    const own = new Set([marked]);
    for (const node of nodes) if (node.parent && own.has(node.parent)) own.add(node.id);
    for (const node of nodes) if (node.parent && own.has(node.parent)) own.add(node.id);
    return curvesOf(
      layout,
      drawnLinks(
        links.filter((other) => own.has(other.source) || own.has(other.target)),
        LINKS_MAX,
      ),
    );
  }, [layout, links, nodes, marked, link, selectedLink]);
  return useMemo(
    () => ({ ground, focus: { node: focus, selected: selectedId, curves: near } }),
    [ground, focus, selectedId, near],
  );
}

/** Moves to a node that is asked for. */
function useReveal(canvas: CanvasUse, places: readonly Place[], reveal: string | null = null) {
  useEffect(() => {
    const place = reveal ? places.find((one) => one.node.id === reveal) : undefined;
    if (place && canvas.size().width > 0)
      canvas.setView(centred(canvas.view(), place, canvas.size()));
  }, [canvas, places, reveal]);
}

interface ZoomProps {
  zoomBy: (factor: number) => void;
  fit: () => void;
}

function ZoomButtons({ zoomBy, fit }: ZoomProps) {
  return (
    <div className="topology-zoom">
      <button type="button" aria-label="Zoom in" title="Zoom in (+)" onClick={() => zoomBy(1.25)}>
        <Plus size={14} aria-hidden />
      </button>
      <button type="button" aria-label="Zoom out" title="Zoom out (-)" onClick={() => zoomBy(0.8)}>
        <Minus size={14} aria-hidden />
      </button>
      <button type="button" title="Show all (0)" onClick={fit}>
        <Maximize size={13} aria-hidden /> Fit
      </button>
    </div>
  );
}

/** What is said of a node: its traffic and its largest link. */
function nodeText(
  node: GraphNode,
  links: readonly GraphLink[],
  names: ReadonlyMap<string, string>,
): string {
  const own = links.filter((link) => link.source === node.id || link.target === node.id);
  const first = drawnLinks(own, 1)[0];
  const red = node.rejected > 0 ? `, ${countText(node.rejected)} records rejected` : "";
  const many = own.length > 0 ? `, ${own.length} links` : "";
  const most = first ? ` Largest: ${linkText(first, names)}.` : "";
  return `${node.name}: ${bytesText(node.bytes)}${many}${red}.${most}`;
}
