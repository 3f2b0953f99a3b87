import type { Scope } from "../../../panels/ask";
import type { DashboardPanel } from "../../../panels/document";

export interface PanelEditorProps {
  panel: DashboardPanel | undefined;
  panels: readonly DashboardPanel[];
  scope: Scope;
  onClose: () => void;
  onPanel: (panel: DashboardPanel) => void;
}

/** The drawer in which a panel is made. */
export default function PanelEditor(_: PanelEditorProps) {
  return null;
}
