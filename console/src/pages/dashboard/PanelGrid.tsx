import { ArrowDownUp, Copy, Pencil, Trash2 } from "lucide-react";
import { useMemo, useState } from "react";
import { GridLayout, type Layout, useContainerWidth } from "react-grid-layout";
import "react-grid-layout/css/styles.css";
import type { TimeMarker } from "../../charts/timeSeries";
import type { Scope } from "../../panels/ask";
import {
  bottomOf,
  type DashboardPanel,
  freshId,
  GAP_PX,
  GRID_COLUMNS,
  ROW_PX,
} from "../../panels/document";
import { FiguresPanel } from "../../panels/FiguresStrip";
import { PanelCard } from "../../panels/PanelCard";
import type { MenuItem } from "../../ui/Menu";
import { toast } from "../../ui/Toast";
import { PlaceDialog } from "./PlaceDialog";

export interface PanelGridProps {
  panels: readonly DashboardPanel[];
  scope: Scope;
  compare: boolean;
  markers: readonly TimeMarker[];
  editing: boolean;
  onEdit: (id: string) => void;
  onPanels: (panels: DashboardPanel[]) => void;
}

/** Under this width panels stand in one column. Units: pixels of the grid. */
const ONE_COLUMN_UNDER = 880;

/** Strips of figures stand above the grid, as high as they need to be. */
const isStrip = ({ kind, grid }: DashboardPanel): boolean =>
  kind === "figures" && grid.w === GRID_COLUMNS;

/** The panels of a dashboard in twelve columns, or in one on narrow screens. */
export function PanelGrid(props: PanelGridProps) {
  const { panels, scope, editing } = props;
  const { width, containerRef, mounted } = useContainerWidth();
  const strips = panels.filter(isStrip);
  const others = useMemo(() => panels.filter((panel) => !isStrip(panel)), [panels]);
  const narrow = width < ONE_COLUMN_UNDER;
  const [placing, setPlacing] = useState<DashboardPanel | null>(null);
  const cardOf = (panel: DashboardPanel) => (
    <PanelCard
      panel={panel}
      scope={scope}
      compare={props.compare}
      markers={props.markers}
      editing={editing ? editItems(props, panel, narrow ? null : setPlacing) : undefined}
    />
  );
  return (
    <div ref={containerRef as React.RefObject<HTMLDivElement>} className="panel-grid">
      {strips.map((panel) => (
        <div key={panel.id} className="strip">
          <FiguresPanel panel={panel} scope={scope} />
        </div>
      ))}
      {mounted && (
        <GridLayout
          width={width}
          layout={narrow ? stacked(others) : others.map(itemOf)}
          gridConfig={{
            cols: GRID_COLUMNS,
            rowHeight: ROW_PX,
            margin: [GAP_PX, GAP_PX],
            containerPadding: [0, 0],
          }}
          dragConfig={{
            enabled: editing && !narrow,
            handle: ".panel > header",
            cancel: "button, .legend-slot, .tools",
          }}
          resizeConfig={{ enabled: editing && !narrow, handles: ["se", "sw", "ne", "nw"] }}
          onLayoutChange={(layout: Layout) => {
            const moved = placed(panels, layout);
            if (editing && !narrow && moved) props.onPanels(moved);
          }}
        >
          {others.map((panel) => (
            <div key={panel.id}>{cardOf(panel)}</div>
          ))}
        </GridLayout>
      )}
      {placing && (
        <PlaceDialog
          panel={panels.find((one) => one.id === placing.id) ?? placing}
          panels={panels}
          onPanels={props.onPanels}
          onClose={() => setPlacing(null)}
        />
      )}
    </div>
  );
}

/** The least rows of a panel that has the whole width. */
const STACKED_ROWS_MIN = 6;

const itemOf = ({ id, grid }: DashboardPanel) => ({ i: id, ...grid, minW: 2, minH: 3 });

/**
 * One column, from top to bottom, left to right. The grid stays the same, so that panels are not
 * drawn and asked anew when the window changes.
 */
function stacked(panels: readonly DashboardPanel[]) {
  let y = 0;
  return [...panels]
    .sort((a, b) => a.grid.y - b.grid.y || a.grid.x - b.grid.x)
    .map(({ id, grid }) => {
      const h = Math.max(STACKED_ROWS_MIN, grid.h);
      const item = { i: id, x: 0, y, w: GRID_COLUMNS, h };
      y += h;
      return item;
    });
}

/** Panels where a layout puts them; null when nothing has moved. */
export function placed(
  panels: readonly DashboardPanel[],
  layout: readonly { i: string; x: number; y: number; w: number; h: number }[],
): DashboardPanel[] | null {
  let moved = false;
  const next = panels.map((panel) => {
    const item = layout.find(({ i }) => i === panel.id);
    const { x, y, w, h } = panel.grid;
    if (!item || (item.x === x && item.y === y && item.w === w && item.h === h)) return panel;
    moved = true;
    return { ...panel, grid: { x: item.x, y: item.y, w: item.w, h: item.h } };
  });
  return moved ? next : null;
}

function editItems(
  { panels, onEdit, onPanels }: PanelGridProps,
  panel: DashboardPanel,
  /** Null where panels stand in one column: places would not show. */
  place: ((panel: DashboardPanel) => void) | null,
): MenuItem[] {
  const copy = () => {
    const grid = { ...panel.grid, y: bottomOf(panels) };
    onPanels([...panels, { ...panel, id: freshId(panels), title: `${panel.title} (copy)`, grid }]);
    toast("The copy is at the bottom");
  };
  const remove = () => {
    onPanels(panels.filter((one) => one.id !== panel.id));
    toast(`Took ${panel.title} away`, {
      action: { label: "Undo", run: () => onPanels([...panels]) },
    });
  };
  return [
    { label: "Edit panel", icon: <Pencil size={14} />, onSelect: () => onEdit(panel.id) },
    {
      label: "Move or resize",
      icon: <ArrowDownUp size={14} />,
      disabled: !place,
      onSelect: () => place?.(panel),
    },
    { label: "Duplicate panel", icon: <Copy size={14} />, onSelect: copy },
    { label: "Remove panel", icon: <Trash2 size={14} />, danger: true, onSelect: remove },
  ];
}
