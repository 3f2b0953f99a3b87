import { Page } from "../../app/Page";
import { EmptyState } from "../../ui/State";

/** Why was it rejected. */
export default function ExplainPage() {
  return (
    <Page title="Why was it rejected">
      <EmptyState title="Why was it rejected" />
    </Page>
  );
}
