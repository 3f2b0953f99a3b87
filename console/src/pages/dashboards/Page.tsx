import { Page } from "../../app/Page";
import { EmptyState } from "../../ui/State";

/** Dashboards. */
export default function DashboardsPage() {
  return (
    <Page title="Dashboards">
      <EmptyState title="Dashboards" />
    </Page>
  );
}
