import { Page } from "../../app/Page";
import { EmptyState } from "../../ui/State";

/** Overview. */
export default function DashboardPage() {
  return (
    <Page title="Overview">
      <EmptyState title="Overview" />
    </Page>
  );
}
