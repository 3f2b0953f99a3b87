import { Page } from "../../app/Page";
import { EmptyState } from "../../ui/State";

/** Create flow log. */
export default function FlowLogWizardPage() {
  return (
    <Page title="Create flow log">
      <EmptyState title="Create flow log" />
    </Page>
  );
}
