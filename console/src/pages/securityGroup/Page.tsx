import { Page } from "../../app/Page";
import { EmptyState } from "../../ui/State";

/** Security group. */
export default function SecurityGroupPage() {
  return (
    <Page title="Security group">
      <EmptyState title="Security group" />
    </Page>
  );
}
