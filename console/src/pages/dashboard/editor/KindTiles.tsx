import {
  ChartArea,
  ChartColumn,
  ChartLine,
  ChartPie,
  Globe,
  Grid3x3,
  Hash,
  Heading,
  type LucideIcon,
  RectangleEllipsis,
  ShieldAlert,
  Table2,
  Waypoints,
  Workflow,
} from "lucide-react";
import { PANEL_KINDS, type PanelKind } from "../../../panels/kinds";

const TILES: [PanelKind, LucideIcon][] = [
  ["area", ChartArea],
  ["line", ChartLine],
  ["bars", ChartColumn],
  ["table", Table2],
  ["sankey", Workflow],
  ["map", Globe],
  ["heat", Grid3x3],
  ["number", Hash],
  ["pie", ChartPie],
  ["matrix", Waypoints],
  ["findings", ShieldAlert],
  ["text", Heading],
  ["figures", RectangleEllipsis],
];
/** The strip of figures stands in ready dashboards; it is shown as a tile only where it is one. */
const RARE: ReadonlySet<PanelKind> = new Set(["figures"]);

/** The kinds of charts as tiles. */
export function KindTiles({
  kind,
  onKind,
}: {
  kind: PanelKind;
  onKind: (kind: PanelKind) => void;
}) {
  return (
    <fieldset className="kind-tiles">
      <legend>Show as</legend>
      {TILES.filter(([name]) => !RARE.has(name) || name === kind).map(([name, Icon]) => (
        <button key={name} type="button" aria-pressed={name === kind} onClick={() => onKind(name)}>
          <Icon size={17} aria-hidden />
          {PANEL_KINDS[name].label}
        </button>
      ))}
    </fieldset>
  );
}
