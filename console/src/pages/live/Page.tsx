import { Page } from "../../app/Page";
import { EmptyState } from "../../ui/State";

/** Live tail. */
export default function LivePage() {
  return (
    <Page title="Live tail">
      <EmptyState title="Live tail" />
    </Page>
  );
}
