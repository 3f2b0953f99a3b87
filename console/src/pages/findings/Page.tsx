import { Page } from "../../app/Page";
import { EmptyState } from "../../ui/State";

/** Findings. */
export default function FindingsPage() {
  return (
    <Page title="Findings">
      <EmptyState title="Findings" />
    </Page>
  );
}
