import { Page } from "../../app/Page";
import { EmptyState } from "../../ui/State";

/** Flow log. */
export default function FlowLogPage() {
  return (
    <Page title="Flow log">
      <EmptyState title="Flow log" />
    </Page>
  );
}
