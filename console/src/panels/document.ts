/** A dashboard as it is kept: panels, what each asks, and where it stands. */
import type * as schema from "../api/schema";
import type { PanelKind, PanelOptions } from "./kinds";

export type Dashboard = schema.DashboardDocument;
export type DashboardHead = schema.DashboardHead;
export type DashboardAnswer = schema.DashboardAnswer;
export type Grid = schema.Grid;

export interface Query {
  question?: string | null;
  parameters?: Record<string, unknown>;
  filter?: string;
  sql?: string | null;
}

/** Another way to look at the same panel: what it changes of it. */
export interface PanelView {
  label: string;
  title?: string;
  kind?: PanelKind;
  hint?: string;
  query?: Query;
  options?: PanelOptions;
}

/** What is asked when the panel's own query has no rows. */
export interface PanelFallback {
  title: string;
  hint?: string;
  query: Query;
}

export type DashboardOptions = PanelOptions & {
  views?: PanelView[];
  fallback?: PanelFallback;
  /** False: no line of the period before. */
  compare?: boolean;
  /** Whether findings are marked above the plot. */
  markers?: boolean;
  /** What is said where there are no rows: what that means here. */
  emptyTitle?: string;
  emptyText?: string;
};

export interface DashboardPanel {
  id: string;
  kind: PanelKind;
  title: string;
  hint: string;
  query?: Query | null;
  options: DashboardOptions;
  grid: Grid;
}

export const GRID_COLUMNS = 12;
export const ROW_PX = 32;
export const GAP_PX = 16;

/** The panels of a dashboard, with the types that the console knows. */
export function panelsOf(dashboard: Dashboard): DashboardPanel[] {
  return (dashboard.panels ?? []) as unknown as DashboardPanel[];
}

/** A panel as one of its views shows it. */
export function viewed(panel: DashboardPanel, view: PanelView | undefined): DashboardPanel {
  if (!view) return panel;
  return {
    ...panel,
    title: view.title ?? panel.title,
    kind: view.kind ?? panel.kind,
    hint: view.hint ?? panel.hint,
    query: view.query
      ? { ...view.query, filter: view.query.filter ?? panel.query?.filter }
      : panel.query,
    options: { ...panel.options, ...view.options },
  };
}

/** An id that no panel has. */
export function freshId(panels: readonly DashboardPanel[]): string {
  let number = panels.length + 1;
  while (panels.some((panel) => panel.id === `p${number}`)) number += 1;
  return `p${number}`;
}

/** The first row below everything. */
export const bottomOf = (panels: readonly DashboardPanel[]): number =>
  panels.reduce((most, { grid }) => Math.max(most, grid.y + grid.h), 0);
