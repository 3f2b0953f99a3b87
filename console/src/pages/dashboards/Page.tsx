import { FileUp, LayoutDashboard, Plus } from "lucide-react";
import { type DragEvent, useRef, useState } from "react";
import { faultOf } from "../../api/fault";
import { type Asked, useJson } from "../../api/hooks";
import { ThemeButton } from "../../app/actions";
import { Page } from "../../app/Page";
import { useMay } from "../../app/session";
import type { DashboardHead } from "../../panels/document";
import { hrefOf, navigate } from "../../state/location";
import { Button } from "../../ui/Button";
import { TextField } from "../../ui/Field";
import { EmptyState, ErrorState, Skeleton } from "../../ui/State";
import { toast } from "../../ui/Toast";
import { DashboardList } from "./DashboardList";
import "./dashboards.css";
import { create, readFile, words } from "./documents";
import { NewDialog } from "./NewDialog";

/** All dashboards: the ready ones and the account's own. */
export default function DashboardsPage() {
  const asked = useJson<{ dashboards: DashboardHead[] }>("/dashboards");
  const may = useMay("dashboards_write");
  const [search, setSearch] = useState("");
  const [making, setMaking] = useState(false);
  const [fault, setFault] = useState("");
  const file = useRef<HTMLInputElement>(null);
  const drop = useDrop(may, (dropped) => take(dropped));
  const take = async (chosen: File | undefined) => {
    if (!chosen) return;
    setFault("");
    try {
      const made = await create(await readFile(chosen));
      toast(`Imported ${made.head.title}`);
      navigate(hrefOf(`/dashboards/${made.head.id}`));
    } catch (error) {
      const told = faultOf(error);
      setFault(told.code === "ClientFailure" ? told.message : `${chosen.name}: ${words(told)}`);
    }
  };
  return (
    <Page
      title="Dashboards"
      className={drop.over ? "dropping" : ""}
      actions={
        <>
          {may && (
            <>
              <Button icon={<FileUp size={14} />} onClick={() => file.current?.click()}>
                Import
              </Button>
              <Button kind="primary" icon={<Plus size={14} />} onClick={() => setMaking(true)}>
                New dashboard
              </Button>
            </>
          )}
          <ThemeButton />
        </>
      }
    >
      <input
        ref={file}
        type="file"
        accept="application/json,.json"
        hidden
        onChange={(event) => {
          take(event.target.files?.[0]);
          event.target.value = "";
        }}
      />
      <div className="dashboards" {...drop.handlers}>
        <div className="dashboards-search">
          <TextField
            label="Search dashboards"
            hideLabel
            type="search"
            placeholder="Search by title or description"
            value={search}
            onChange={setSearch}
          />
        </div>
        {fault && <Told text={fault} onDismiss={() => setFault("")} />}
        <Lists asked={asked} search={search} onClear={() => setSearch("")} />
      </div>
      {making && <NewDialog onClose={() => setMaking(false)} />}
    </Page>
  );
}

function Told({ text, onDismiss }: { text: string; onDismiss: () => void }) {
  return (
    <div className="notice warn" role="alert">
      <span>{text}</span>
      <Button size="sm" onClick={onDismiss}>
        Dismiss
      </Button>
    </div>
  );
}

interface ListsProps {
  asked: Asked<{ dashboards: DashboardHead[] }>;
  search: string;
  onClear: () => void;
}

/** One's own dashboards, then the ready ones. */
function Lists({ asked, search, onClear }: ListsProps) {
  const all = (asked.data?.dashboards ?? []).filter((head) => fits(head, search));
  const own = all.filter((head) => !head.read_only);
  const ready = all.filter((head) => head.read_only);
  return (
    <>
      {!asked.data && asked.fault && <ErrorState fault={asked.fault} onRetry={asked.retry} />}
      {!asked.data && !asked.fault && <Skeleton lines={6} />}
      {asked.data && all.length === 0 && (
        <EmptyState
          title="No dashboard is called like that"
          action={
            <Button size="sm" onClick={onClear}>
              Show all
            </Button>
          }
        />
      )}
      {own.length > 0 && <DashboardList title="Yours" heads={own} onChange={asked.retry} />}
      {asked.data && own.length === 0 && !search && (
        <section className="own-none card">
          <LayoutDashboard size={18} aria-hidden />
          <p>
            No dashboards of your own yet. Make one, duplicate a ready one, or drop a JSON file
            here.
          </p>
        </section>
      )}
      {ready.length > 0 && (
        <DashboardList title="Come with vpcflow" heads={ready} onChange={asked.retry} />
      )}
    </>
  );
}

function fits(head: DashboardHead, search: string): boolean {
  const text = `${head.title} ${head.description} ${head.owner ?? ""}`.toLowerCase();
  return search
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}

/** A file that is dropped on the page. */
function useDrop(on: boolean, take: (file: File | undefined) => void) {
  const [over, setOver] = useState(false);
  const handlers = {
    onDragOver: (event: DragEvent) => {
      if (!on || !event.dataTransfer.types.includes("Files")) return;
      event.preventDefault();
      setOver(true);
    },
    onDragLeave: () => setOver(false),
    onDrop: (event: DragEvent) => {
      event.preventDefault();
      setOver(false);
      if (on) take(event.dataTransfer.files[0]);
    },
  };
  return { over, handlers };
}
