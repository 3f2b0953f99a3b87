import { Page } from "../../app/Page";
import { EmptyState } from "../../ui/State";

/** Health. */
export default function HealthPage() {
  return (
    <Page title="Health">
      <EmptyState title="Health" />
    </Page>
  );
}
