import { type KeyboardEvent, useEffect, useRef } from "react";
import { type DashboardPanel, GRID_COLUMNS } from "../../panels/document";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";

/** The least and the most of a panel, in columns and rows. */
const W_MIN = 2;
const H_MIN = 3;
const H_MAX = 40;

interface PlaceDialogProps {
  panel: DashboardPanel;
  panels: readonly DashboardPanel[];
  onPanels: (panels: DashboardPanel[]) => void;
  onClose: () => void;
}

/** Moves and resizes a panel by keys: arrows move it, with Shift they resize it. */
export function PlaceDialog({ panel, panels, onPanels, onClose }: PlaceDialogProps) {
  const { x, y, w, h } = panel.grid;
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => box.current?.focus(), []);
  const put = (grid: DashboardPanel["grid"]) =>
    onPanels(panels.map((one) => (one.id === panel.id ? { ...one, grid } : one)));
  const press = (event: KeyboardEvent) => {
    const step = STEPS[event.key];
    if (!step) return;
    event.preventDefault();
    put(event.shiftKey ? resized(panel.grid, step) : movedBy(panel.grid, step));
  };
  return (
    <Dialog
      title={`Move or resize ${panel.title}`}
      size="sm"
      onClose={onClose}
      footer={
        <Button kind="primary" onClick={onClose}>
          Done
        </Button>
      }
    >
      <div
        ref={box}
        role="application"
        aria-label="Arrow keys move the panel; with Shift they resize it"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it takes the arrow keys
        tabIndex={0}
        className="place-pad"
        onKeyDown={press}
      >
        <p>
          <kbd>←</kbd> <kbd>→</kbd> <kbd>↑</kbd> <kbd>↓</kbd> move the panel, with <kbd>Shift</kbd>{" "}
          they resize it.
        </p>
        <output className="num">
          Column {x + 1} of {GRID_COLUMNS}, row {y + 1}; {w} columns by {h} rows
        </output>
      </div>
      <div className="row place-buttons">
        <Button size="sm" onClick={() => put(movedBy(panel.grid, [-1, 0]))}>
          Left
        </Button>
        <Button size="sm" onClick={() => put(movedBy(panel.grid, [1, 0]))}>
          Right
        </Button>
        <Button size="sm" onClick={() => put(movedBy(panel.grid, [0, -1]))}>
          Up
        </Button>
        <Button size="sm" onClick={() => put(movedBy(panel.grid, [0, 1]))}>
          Down
        </Button>
        <Button size="sm" onClick={() => put(resized(panel.grid, [1, 0]))}>
          Wider
        </Button>
        <Button size="sm" onClick={() => put(resized(panel.grid, [-1, 0]))}>
          Narrower
        </Button>
        <Button size="sm" onClick={() => put(resized(panel.grid, [0, 1]))}>
          Higher
        </Button>
        <Button size="sm" onClick={() => put(resized(panel.grid, [0, -1]))}>
          Lower
        </Button>
      </div>
    </Dialog>
  );
}

type Step = [across: number, down: number];
const STEPS: Record<string, Step> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

const within = (value: number, least: number, most: number): number =>
  Math.min(most, Math.max(least, value));

/** A place one step on, within the columns. */
export function movedBy(grid: DashboardPanel["grid"], [across, down]: Step) {
  return {
    ...grid,
    x: within(grid.x + across, 0, GRID_COLUMNS - grid.w),
    y: Math.max(0, grid.y + down),
  };
}

/** A size one step on, within the columns. */
export function resized(grid: DashboardPanel["grid"], [across, down]: Step) {
  return {
    ...grid,
    w: within(grid.w + across, W_MIN, GRID_COLUMNS - grid.x),
    h: within(grid.h + down, H_MIN, H_MAX),
  };
}
