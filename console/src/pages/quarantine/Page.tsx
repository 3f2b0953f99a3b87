import { Page } from "../../app/Page";
import { EmptyState } from "../../ui/State";

/** Quarantine. */
export default function QuarantinePage() {
  return (
    <Page title="Quarantine">
      <EmptyState title="Quarantine" />
    </Page>
  );
}
