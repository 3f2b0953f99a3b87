import { useState } from "react";
import { getJson, send } from "../../api/client";
import { type Fault, faultOf } from "../../api/fault";
import { useJson } from "../../api/hooks";
import type { DashboardAnswer, DashboardDocument, DashboardList } from "../../api/schema";
import { useMay } from "../../app/session";
import { hrefOf, navigate } from "../../state/location";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Select, TextField } from "../../ui/Field";
import { toast } from "../../ui/Toast";

/** A panel that is not on a dashboard yet. */
export interface PanelDraft {
  kind: string;
  title: string;
  query: {
    question?: string;
    parameters?: Record<string, unknown>;
    filter: string;
    sql?: string;
  };
  options: Record<string, unknown>;
}

const NEW = "";
/** Where a new panel stands and how large it is, in columns and rows of the dashboard. */
const WIDTH = 6;
const HEIGHT = 8;

interface AddToDashboardProps {
  draft: PanelDraft;
  onClose: () => void;
}

/** Puts what is shown on a dashboard, an old or a new one. */
export function AddToDashboard({ draft, onClose }: AddToDashboardProps) {
  const may = useMay("dashboards_write");
  const asked = useJson<DashboardList>("/dashboards");
  const own = (asked.data?.dashboards ?? []).filter((one) => !one.read_only);
  const [title, setTitle] = useState(draft.title);
  const [chosen, setChosen] = useState<string | null>(null);
  const [name, setName] = useState("My dashboard");
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState<Fault>();
  const target = chosen ?? own[0]?.id ?? NEW;
  const save = async () => {
    setBusy(true);
    setFault(undefined);
    try {
      const kept = await put(target, name.trim(), { ...draft, title: title.trim() });
      onClose();
      toast(`Added to ${kept.head.title}`, {
        action: {
          label: "Open",
          run: () => navigate(hrefOf(`/dashboards/${encodeURIComponent(kept.head.id)}`)),
        },
      });
    } catch (error) {
      setFault(faultOf(error));
      setBusy(false);
    }
  };
  const footer = (
    <>
      <Button onClick={onClose}>Cancel</Button>
      <Button
        kind="primary"
        busy={busy}
        disabled={!may || !asked.data || !title.trim() || (target === NEW && !name.trim())}
        onClick={save}
      >
        Add to dashboard
      </Button>
    </>
  );
  return (
    <Dialog title="Add to a dashboard" onClose={onClose} size="sm" footer={footer}>
      <div className="stack">
        <TextField label="Title of the panel" value={title} maxLength={200} onChange={setTitle} />
        <Select
          label="Dashboard"
          value={target}
          choices={[
            ...own.map(({ id, title: label }) => ({ value: id, label })),
            { value: NEW, label: "A new dashboard" },
          ]}
          onChange={setChosen}
          hint="The ready ones cannot be changed; duplicate one to change it."
        />
        {target === NEW && (
          <TextField
            label="Name of the new dashboard"
            value={name}
            maxLength={200}
            onChange={setName}
          />
        )}
        {!may && <p className="field-error">You may not change dashboards.</p>}
        <Told fault={fault ?? asked.fault} />
      </div>
    </Dialog>
  );
}

function Told({ fault }: { fault: Fault | undefined }) {
  if (!fault) return null;
  return (
    <p className="field-error" role="alert">
      {fault.message} {fault.hint}
    </p>
  );
}

async function put(id: string, name: string, draft: PanelDraft): Promise<DashboardAnswer> {
  if (id === NEW) {
    const document = { version: 1, title: name, panels: [placed(draft, [])] };
    return send<DashboardAnswer>("POST", "/dashboards", document);
  }
  const path = `/dashboards/${encodeURIComponent(id)}`;
  const { dashboard, head } = await getJson<DashboardAnswer>(path);
  const panels = dashboard.panels ?? [];
  const next: DashboardDocument = {
    ...dashboard,
    panels: [...panels, placed(draft, panels) as (typeof panels)[number]],
  };
  return send<DashboardAnswer>("PUT", path, next, { ifMatch: `"${head.revision}"` });
}

type Placed = { id: string; grid: { x: number; y: number; w: number; h: number } };

/** The panel with an id that no other has, below all others. */
export function placed(draft: PanelDraft, panels: readonly Placed[]): PanelDraft & Placed {
  let number = panels.length + 1;
  while (panels.some(({ id }) => id === `p${number}`)) number += 1;
  const below = panels.reduce((most, { grid }) => Math.max(most, grid.y + grid.h), 0);
  const grid = { x: 0, y: below, w: WIDTH, h: HEIGHT };
  return { ...draft, id: `p${number}`, grid };
}
