import {
  CopyPlus,
  EllipsisVertical,
  FileDown,
  Link2,
  Pencil,
  Pin,
  PinOff,
  TextCursorInput,
  Trash2,
} from "lucide-react";
import { useState } from "react";
import { faultOf } from "../../api/fault";
import { Link } from "../../app/Link";
import { useMay } from "../../app/session";
import type { DashboardHead } from "../../panels/document";
import { copyLink } from "../../panels/PanelFrame";
import { serverNow } from "../../state/clock";
import { hrefOf, navigate } from "../../state/location";
import { flipPin, unpin, usePins } from "../../state/pins";
import { formatAgo } from "../../time/format";
import { Confirm } from "../../ui/Dialog";
import { Menu, type MenuItem } from "../../ui/Menu";
import { Pill } from "../../ui/State";
import { toast } from "../../ui/Toast";
import { create, duplicate, exportFile, remove, words } from "./documents";
import { RenameDialog } from "./RenameDialog";

interface DashboardListProps {
  title: string;
  heads: DashboardHead[];
  /** Called when the list is no longer what it was. */
  onChange: () => void;
}

/** Dashboards as cards, each with its menu. */
export function DashboardList({ title, heads, onChange }: DashboardListProps) {
  const [renaming, setRenaming] = useState<DashboardHead | null>(null);
  const [deleting, setDeleting] = useState<DashboardHead | null>(null);
  return (
    <section aria-label={title}>
      <h2 className="dashboards-title">{title}</h2>
      <ul className="dashboard-cards">
        {heads.map((head) => (
          <DashboardCard
            key={head.id}
            head={head}
            onChange={onChange}
            onRename={() => setRenaming(head)}
            onDelete={() => setDeleting(head)}
          />
        ))}
      </ul>
      {renaming && (
        <RenameDialog head={renaming} onClose={() => setRenaming(null)} onDone={onChange} />
      )}
      {deleting && (
        <Confirm
          title={`Delete ${deleting.title}?`}
          action="Delete"
          danger
          onClose={() => setDeleting(null)}
          onConfirm={() => {
            setDeleting(null);
            takeAway(deleting, onChange);
          }}
        >
          Everyone of the account loses it. The records it shows are kept.
        </Confirm>
      )}
    </section>
  );
}

async function takeAway(head: DashboardHead, onChange: () => void): Promise<void> {
  await tell(async () => {
    const document = await remove(head);
    unpin(head.id);
    onChange();
    const back = () =>
      tell(async () => {
        await create(document);
        onChange();
      });
    toast(`Deleted ${head.title}`, { action: { label: "Undo", run: back } });
  });
}

/** Runs what may fail, and says so. */
async function tell(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    toast(words(faultOf(error)), { kind: "error" });
  }
}

interface DashboardCardProps {
  head: DashboardHead;
  onChange: () => void;
  onRename: () => void;
  onDelete: () => void;
}

function DashboardCard(props: DashboardCardProps) {
  const { head } = props;
  const items = useItems(props);
  const pinned = usePins().some(({ id }) => id === head.id);
  return (
    <li className="card dashboard-card">
      <Link to={pathOf(head)} className="dashboard-link">
        {head.title}
      </Link>
      <p>{head.description || "No description"}</p>
      <div className="dashboard-facts num">
        <span>{head.panels === 1 ? "1 panel" : `${head.panels} panels`}</span>
        {!head.read_only && <span>{ownerOf(head)}</span>}
        {head.updated_s != null && <span>{formatAgo(head.updated_s, serverNow())}</span>}
        {head.read_only && <Pill>read only</Pill>}
        {pinned && <Pin size={12} aria-label="Pinned" />}
      </div>
      <div className="dashboard-menu">
        <Menu label={`Menu of ${head.title}`} icon={<EllipsisVertical size={15} />} items={items} />
      </div>
    </li>
  );
}

const pathOf = (head: DashboardHead): string => `/dashboards/${encodeURIComponent(head.id)}`;
const ownerOf = ({ owner }: DashboardHead): string =>
  `by ${owner?.split(/[/:]/).pop() || "the account"}`;

function useItems({ head, onChange, onRename, onDelete }: DashboardCardProps): MenuItem[] {
  const may = useMay("dashboards_write");
  const pinned = usePins().some(({ id }) => id === head.id);
  const copy = () =>
    tell(async () => {
      const made = await duplicate(head);
      onChange();
      toast(`Made ${made.head.title}`, {
        action: { label: "Open", run: () => navigate(hrefOf(pathOf(made.head))) },
      });
    });
  const items: MenuItem[] = [
    {
      label: pinned ? "Unpin" : "Pin to the sidebar",
      icon: pinned ? <PinOff size={14} /> : <Pin size={14} />,
      onSelect: () => flipPin({ id: head.id, title: head.title }),
    },
    {
      label: "Copy link",
      icon: <Link2 size={14} />,
      onSelect: () => copyLink(window.location.origin + hrefOf(pathOf(head))),
    },
    {
      label: "Export JSON",
      icon: <FileDown size={14} />,
      onSelect: () => tell(() => exportFile(head)),
    },
  ];
  if (!may) return items;
  items.push({
    label: head.read_only ? "Duplicate to edit" : "Duplicate",
    icon: <CopyPlus size={14} />,
    separated: true,
    onSelect: copy,
  });
  if (head.read_only) return items;
  items.push(
    {
      label: "Edit",
      icon: <Pencil size={14} />,
      onSelect: () => navigate(hrefOf(`${pathOf(head)}?edit=1`)),
    },
    { label: "Rename", icon: <TextCursorInput size={14} />, onSelect: onRename },
    {
      label: "Delete",
      icon: <Trash2 size={14} />,
      danger: true,
      separated: true,
      onSelect: onDelete,
    },
  );
  return items;
}
