import { Page } from "../../app/Page";
import { EmptyState } from "../../ui/State";

/** Flow logs. */
export default function FlowLogsPage() {
  return (
    <Page title="Flow logs">
      <EmptyState title="Flow logs" />
    </Page>
  );
}
