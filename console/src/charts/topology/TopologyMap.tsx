import { type KeyboardEvent, useMemo, useState } from "react";
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
import { useCanvas } from "./useCanvas";
import { usePanZoom } from "./usePanZoom";
import { curveAt, curvesOf, nextPlace, placeAt, shown, zoomed } from "./view";

export interface TopologySelection {
  node?: GraphNode;
  link?: GraphLink;
}

export interface TopologyMapProps extends GraphProps {
  /** The node that is marked. */
  selectedId?: string | null;
  /** Told of every click; null for the ground. Without it a click calls onPick. */
  onSelect?: (selection: TopologySelection | null) => void;
}

const LINKS_MAX = 500;

/** VPCs, subnets and interfaces as nested boxes, with what goes between them. */
export function TopologyMap(props: TopologyMapProps) {
  const { nodes, links, title, limit = LINKS_MAX, fields, selectedId = null } = props;
  const [hovered, setHovered] = useState<string | null>(null);
  const [current, setCurrent] = useState<Place | null>(null);
  const layout = useMemo(() => layoutOf(nodes), [nodes]);
  const names = useMemo(() => namesOf({ nodes, links }), [nodes, links]);
  const focus = hovered ?? current?.node.id ?? selectedId;
  const curves = useMemo(() => {
    // Of the node in focus all links are drawn, of the others the largest.
    const own = focus ? links.filter((l) => l.source === focus || l.target === focus) : [];
    return curvesOf(layout, [...new Set([...drawnLinks(links, limit), ...own])]);
  }, [layout, links, limit, focus]);
  const scene = useMemo(
    () => ({ layout, curves, focus, selected: selectedId }),
    [layout, curves, focus, selectedId],
  );
  const canvas = useCanvas(scene);
  const choose = (x: number, y: number) => {
    const place = placeAt(layout, canvas.view(), x, y);
    if (place) return select({ node: place.node });
    const curve = curveAt(curves, canvas.view(), x, y);
    select(curve ? { link: curve.link } : null);
  };
  const select = (what: TopologySelection | null) => {
    if (props.onSelect) return props.onSelect(what);
    if (what?.node) props.onPick?.(nodePick(what.node, fields, "source"));
    if (what?.link) props.onPick?.(linkPick(what.link, { nodes, links }, fields));
  };
  const pointer = usePanZoom(canvas, {
    onClick: choose,
    onHover: (x, y) => setHovered(placeAt(layout, canvas.view(), x, y)?.node.id ?? null),
    onLeave: () => setHovered(null),
  });
  const onKeyDown = (event: KeyboardEvent) => {
    const next = nextPlace(layout, current, event.key);
    if (next) {
      setCurrent(next);
      canvas.setView(shown(canvas.view(), next, canvas.size()));
    } else if (event.key === "Enter" && current) select({ node: current.node });
    else if (event.key === "Escape") select(null);
    else if (event.key === "+" || event.key === "=") zoomBy(1.25);
    else if (event.key === "-") zoomBy(0.8);
    else if (event.key === "0") canvas.fit();
    else return;
    event.preventDefault();
  };
  const zoomBy = (factor: number) => {
    const { width, height } = canvas.size();
    canvas.setView(zoomed(canvas.view(), factor, width / 2, height / 2));
  };
  const told = hovered ? layout.places.find((place) => place.node.id === hovered) : current;
  return (
    <div className="chart chart-topology">
      <div
        className="topology-keys"
        role="application"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: arrow keys move between the nodes
        tabIndex={0}
        aria-label={`${title}: arrow keys move between nodes, Enter selects, plus and minus zoom, 0 shows all`}
        onKeyDown={onKeyDown}
        onBlur={() => setCurrent(null)}
        {...pointer}
      >
        <canvas ref={canvas.ref} role="img" aria-label={graphSentence({ ...props, limit })} />
      </div>
      <ZoomButtons zoomBy={zoomBy} fit={canvas.fit} />
      <p className="topology-told" aria-live="polite">
        {told ? nodeText(told.node, links, names) : ""}
      </p>
    </div>
  );
}

function ZoomButtons({ zoomBy, fit }: { zoomBy: (factor: number) => void; fit: () => void }) {
  return (
    <div className="topology-zoom">
      <button type="button" aria-label="Zoom in" onClick={() => zoomBy(1.25)}>
        +
      </button>
      <button type="button" aria-label="Zoom out" onClick={() => zoomBy(0.8)}>
        −
      </button>
      <button type="button" onClick={fit}>
        Fit
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
  const first = drawnLinks(
    own.filter((link) => link.rejected === 0),
    1,
  )[0];
  const red = node.rejected > 0 ? `, ${countText(node.rejected)} records rejected` : "";
  const most = first ? ` Largest: ${linkText(first, names)}.` : "";
  return `${node.name}: ${bytesText(node.bytes)}, ${own.length} links${red}.${most}`;
}
