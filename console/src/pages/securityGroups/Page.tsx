import { Page } from "../../app/Page";
import { EmptyState } from "../../ui/State";

/** Security groups. */
export default function SecurityGroupsPage() {
  return (
    <Page title="Security groups">
      <EmptyState title="Security groups" />
    </Page>
  );
}
