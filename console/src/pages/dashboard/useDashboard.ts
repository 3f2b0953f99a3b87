import { useCallback, useEffect, useState } from "react";
import { getJson, send } from "../../api/client";
import { type Fault, faultOf } from "../../api/fault";
import { useJson } from "../../api/hooks";
import {
  type Dashboard,
  type DashboardAnswer,
  type DashboardHead,
  type DashboardPanel,
  panelsOf,
} from "../../panels/document";
import { hrefOf, navigate, useUrlParam } from "../../state/location";
import { toast } from "../../ui/Toast";

/** A dashboard with the changes that are not saved yet. */
export interface HeldDashboard {
  head: DashboardHead | undefined;
  /** What is seen: the draft while it is edited. */
  shown: Dashboard | undefined;
  fault: Fault | undefined;
  retry: () => void;
  editing: boolean;
  dirty: boolean;
  saving: boolean;
  /** Somebody else saved in between. */
  conflict: DashboardHead | "unknown" | undefined;
  /** A ready dashboard was to be edited. */
  wantsCopy: boolean;
  edit: () => void;
  cancel: () => void;
  save: () => void;
  saveAsCopy: () => void;
  takeTheirs: () => void;
  duplicate: () => void;
  stopCopy: () => void;
  stopConflict: () => void;
  setPanels: (panels: DashboardPanel[]) => void;
  putPanel: (panel: DashboardPanel) => void;
  /** Changes what the dashboard is called and opens with. */
  putDetails: (details: Partial<Dashboard>) => void;
}

/** Loads a dashboard and keeps what is changed of it until it is saved. */
export function useDashboard(id: string): HeldDashboard {
  const path = `/dashboards/${encodeURIComponent(id)}`;
  const asked = useJson<DashboardAnswer>(path);
  const [saved, setSaved] = useState<DashboardAnswer>();
  const { draft, setDraft, ...changes } = useDraft();
  const [saving, setSaving] = useState(false);
  const [conflict, setConflict] = useState<HeldDashboard["conflict"]>();
  const [wantsCopy, setWantsCopy] = useState(false);
  const known = newest(saved, asked.data);
  const head = known?.head;
  const document = known?.dashboard;
  useEditParam(known, setDraft);
  const edit = () => (head?.read_only ? setWantsCopy(true) : setDraft(document));
  const save = async () => {
    if (!draft || !head) return;
    setSaving(true);
    try {
      const ifMatch = `"${head.revision}"`;
      setSaved(await send<DashboardAnswer>("PUT", path, draft, { ifMatch }));
      setDraft(undefined);
      toast("Saved the dashboard");
    } catch (error) {
      const fault = faultOf(error);
      if (fault.status === 412) setConflict(await theirHead(id));
      else toast(words(fault), { kind: "error" });
    } finally {
      setSaving(false);
    }
  };
  const copy = async (from: Dashboard | undefined) => {
    if (!from) return;
    setSaving(true);
    try {
      const made = await send<DashboardAnswer>("POST", "/dashboards", copyOf(from));
      setDraft(undefined);
      setConflict(undefined);
      setWantsCopy(false);
      openCopy(made.head);
    } catch (error) {
      toast(words(faultOf(error)), { kind: "error" });
    } finally {
      setSaving(false);
    }
  };
  return {
    head,
    shown: draft ?? document,
    fault: asked.fault,
    retry: asked.retry,
    editing: draft !== undefined,
    dirty: draft !== undefined && JSON.stringify(draft) !== JSON.stringify(document),
    saving,
    conflict,
    wantsCopy,
    edit,
    cancel: () => setDraft(undefined),
    save,
    saveAsCopy: () => copy(draft),
    takeTheirs: () => {
      setDraft(undefined);
      setSaved(undefined);
      setConflict(undefined);
      asked.retry();
    },
    duplicate: () => copy(document),
    stopCopy: () => setWantsCopy(false),
    stopConflict: () => setConflict(undefined),
    ...changes,
  };
}

function openCopy({ id, title }: DashboardHead) {
  toast(`Made ${title}`);
  // After the draft is gone, so that nobody asks whether to leave it.
  setTimeout(() => navigate(hrefOf(`/dashboards/${id}?edit=1`)));
}

/** Begins to edit where the address says so. */
function useEditParam(known: DashboardAnswer | undefined, edit: (dashboard: Dashboard) => void) {
  const [editParam, setEditParam] = useUrlParam("edit");
  const document = known?.head.read_only === false ? known.dashboard : undefined;
  useEffect(() => {
    if (editParam !== "1" || !document) return;
    edit(document);
    setEditParam(null, { replace: true });
  }, [editParam, document, edit, setEditParam]);
}

/** What is changed and not saved yet; undefined while nothing is edited. */
function useDraft() {
  const [draft, setDraft] = useState<Dashboard>();
  const setPanels = useCallback((panels: DashboardPanel[]) => {
    setDraft((before) => before && withPanels(before, panels));
  }, []);
  const putPanel = useCallback((panel: DashboardPanel) => {
    setDraft((before) => {
      if (!before) return before;
      const panels = panelsOf(before);
      const known = panels.some((one) => one.id === panel.id);
      const next = known
        ? panels.map((one) => (one.id === panel.id ? panel : one))
        : [...panels, panel];
      return withPanels(before, next);
    });
  }, []);
  const putDetails = useCallback((details: Partial<Dashboard>) => {
    setDraft((before) => before && { ...before, ...details });
  }, []);
  return { draft, setDraft, setPanels, putPanel, putDetails };
}

function newest(saved?: DashboardAnswer, asked?: DashboardAnswer): DashboardAnswer | undefined {
  if (!saved || !asked) return saved ?? asked;
  return (asked.head.revision ?? 0) > (saved.head.revision ?? 0) ? asked : saved;
}

const withPanels = (dashboard: Dashboard, panels: DashboardPanel[]): Dashboard => ({
  ...dashboard,
  panels: panels as unknown as Dashboard["panels"],
});

/** A document for a new dashboard: the server gives it its id. */
export function copyOf(from: Dashboard): Dashboard {
  return { ...from, id: "", title: `Copy of ${from.title}`.slice(0, 200) };
}

async function theirHead(id: string): Promise<DashboardHead | "unknown"> {
  try {
    return (await getJson<DashboardAnswer>(`/dashboards/${encodeURIComponent(id)}`)).head;
  } catch {
    return "unknown";
  }
}

const words = (fault: Fault): string => [fault.message, fault.hint].filter(Boolean).join(" ");
