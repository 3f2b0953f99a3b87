import { Page } from "../../app/Page";
import { EmptyState } from "../../ui/State";

/** Sources. */
export default function SourcesPage() {
  return (
    <Page title="Sources">
      <EmptyState title="Sources" />
    </Page>
  );
}
