import { Pencil, Plus, Save, Settings2, X } from "lucide-react";
import { lazy, Suspense, useCallback, useEffect, useState } from "react";
import { RangeActions } from "../../app/actions";
import { Page } from "../../app/Page";
import type { PageProps } from "../../app/routes";
import { useMay } from "../../app/session";
import { PageFilter } from "../../filter/FilterBox";
import { joinTerms } from "../../filter/terms";
import type { Scope } from "../../panels/ask";
import { type DashboardPanel, panelsOf } from "../../panels/document";
import { useFilter } from "../../state/filter";
import { useRange } from "../../state/range";
import { Brush } from "../../time/Brush";
import { Button } from "../../ui/Button";
import { EmptyState, ErrorState, Skeleton } from "../../ui/State";
import { CompareButton, DashboardFilter, RecordsLink, useCompare } from "./tools";
import "./dashboard.css";
import { Conflict } from "./Conflict";
import { DetailsDialog } from "./DetailsDialog";
import { DuplicateFirst } from "./DuplicateFirst";
import { LeaveDialog } from "./LeaveDialog";
import { PanelGrid } from "./PanelGrid";
import { Switcher } from "./Switcher";
import { type HeldDashboard, useDashboard } from "./useDashboard";
import { useMarkers } from "./useMarkers";
import { useOpeningTime } from "./useOpeningTime";

const PanelEditor = lazy(() => import("./editor/PanelEditor"));

/** A dashboard: its panels over the page's range and filter; Edit changes what it is made of. */
export default function DashboardPage({ params }: PageProps) {
  return <DashboardOf key={params.id} id={params.id ?? "overview"} />;
}

function DashboardOf({ id }: { id: string }) {
  const held = useDashboard(id);
  const { shown, editing } = held;
  const range = useRange();
  const filter = useFilter();
  const [compare] = useCompare();
  const [open, setOpen] = useState<string | null>(null);
  const [details, setDetails] = useState(false);
  const scope: Scope = { range, filter: joinTerms([shown?.filter ?? "", filter.text]) };
  const markers = useMarkers(scope, shown !== undefined);
  useOpeningTime(shown);
  const close = useCallback(() => setOpen(null), []);
  useEffect(() => {
    if (!editing) setOpen(null);
  }, [editing]);
  const panels = shown ? panelsOf(shown) : [];
  const edited = open === null ? undefined : panels.find((panel) => panel.id === open);
  return (
    <>
      <Page
        title={shown?.title ?? "Dashboard"}
        subtitle={<About id={id} held={held} />}
        className={`dashboard ${editing ? "editing" : ""} ${open !== null ? "with-editor" : ""}`}
        actions={
          <>
            <RangeActions />
            <EditActions held={held} onAdd={() => setOpen("")} onDetails={() => setDetails(true)} />
          </>
        }
        tools={<Tools filter={shown?.filter ?? ""} />}
        edge={<Brush />}
      >
        {panels.length === 0 && <NoPanels held={held} onAdd={() => setOpen("")} />}
        {shown && (
          <PanelGrid
            panels={panels}
            scope={scope}
            compare={compare}
            markers={markers}
            editing={editing}
            onEdit={setOpen}
            onPanels={held.setPanels}
          />
        )}
      </Page>
      {open !== null && editing && (
        <Suspense>
          <PanelEditor
            key={open}
            panel={edited}
            panels={panels}
            scope={scope}
            onClose={close}
            onPanel={(panel: DashboardPanel) => {
              held.putPanel(panel);
              setOpen(null);
            }}
          />
        </Suspense>
      )}
      <Dialogs held={held} details={details} onDetails={setDetails} />
    </>
  );
}

interface DialogsProps {
  held: HeldDashboard;
  details: boolean;
  onDetails: (open: boolean) => void;
}

/** What is asked before something is lost, and what the dashboard is called. */
function Dialogs({ held, details, onDetails }: DialogsProps) {
  const { head, shown, editing } = held;
  return (
    <>
      {details && editing && shown && (
        <DetailsDialog
          dashboard={shown}
          onDetails={held.putDetails}
          onClose={() => onDetails(false)}
        />
      )}
      {held.conflict && <Conflict held={held} />}
      {held.wantsCopy && head && <DuplicateFirst held={held} title={head.title} />}
      <LeaveDialog dirty={held.dirty} />
    </>
  );
}

function About({ id, held }: { id: string; held: HeldDashboard }) {
  return (
    <>
      {!held.editing && <Switcher id={id} />}
      <span className="dashboard-about">
        {held.editing ? "editing; not saved yet" : held.shown?.description}
      </span>
    </>
  );
}

function Tools({ filter }: { filter: string }) {
  return (
    <>
      <DashboardFilter text={filter} />
      <PageFilter />
      <CompareButton />
      <RecordsLink />
    </>
  );
}

/** What stands where there are no panels: not yet, not at all, or none were added. */
function NoPanels({ held, onAdd }: { held: HeldDashboard; onAdd: () => void }) {
  const { shown, editing } = held;
  if (!shown && held.fault) return <ErrorState fault={held.fault} onRetry={held.retry} />;
  if (!shown) return <Skeleton lines={8} />;
  return (
    <EmptyState
      title="No panels yet"
      action={editing && <Button onClick={onAdd}>Add panel</Button>}
    >
      {editing ? "Add the first one." : "Edit the dashboard to add some."}
    </EmptyState>
  );
}

function EditActions({
  held,
  onAdd,
  onDetails,
}: {
  held: ReturnType<typeof useDashboard>;
  onAdd: () => void;
  onDetails: () => void;
}) {
  const may = useMay("dashboards_write");
  if (!held.shown || !may) return null;
  if (!held.editing) {
    return (
      <Button className="edit-button" icon={<Pencil size={14} />} onClick={held.edit}>
        Edit
      </Button>
    );
  }
  return (
    <>
      <Button icon={<Plus size={14} />} onClick={onAdd}>
        Add panel
      </Button>
      <Button icon={<Settings2 size={14} />} onClick={onDetails}>
        Details
      </Button>
      <Button icon={<X size={14} />} onClick={held.cancel}>
        Cancel
      </Button>
      <Button
        kind="primary"
        icon={<Save size={14} />}
        busy={held.saving}
        disabled={!held.dirty}
        onClick={held.save}
      >
        Save
      </Button>
    </>
  );
}
