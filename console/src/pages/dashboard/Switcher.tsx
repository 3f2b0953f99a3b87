import { ChevronDown, LayoutGrid } from "lucide-react";
import { useJson } from "../../api/hooks";
import type { DashboardHead } from "../../panels/document";
import { hrefOf, navigate } from "../../state/location";
import { Menu, type MenuItem } from "../../ui/Menu";

/** Goes to another dashboard, or to the list of them. */
export function Switcher({ id }: { id: string }) {
  const { data } = useJson<{ dashboards: DashboardHead[] }>("/dashboards");
  const items: MenuItem[] = (data?.dashboards ?? []).map((head, index, all) => ({
    label: head.title,
    checked: head.id === id,
    separated: index > 0 && head.read_only !== all[index - 1]?.read_only,
    onSelect: () => navigate(hrefOf(`/dashboards/${encodeURIComponent(head.id)}`)),
  }));
  items.push({
    label: "All dashboards",
    icon: <LayoutGrid size={14} />,
    separated: true,
    onSelect: () => navigate(hrefOf("/dashboards")),
  });
  return (
    <Menu
      label="Choose a dashboard"
      align="start"
      icon={<ChevronDown size={16} />}
      items={items}
      buttonClass="switcher"
    />
  );
}
