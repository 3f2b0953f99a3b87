import { Page } from "../../app/Page";
import { EmptyState } from "../../ui/State";

/** Settings. */
export default function SettingsPage() {
  return (
    <Page title="Settings">
      <EmptyState title="Settings" />
    </Page>
  );
}
