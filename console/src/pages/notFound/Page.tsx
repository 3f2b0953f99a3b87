import { Page } from "../../app/Page";
import { EmptyState } from "../../ui/State";

/** No such page. */
export default function NotFoundPage() {
  return (
    <Page title="No such page">
      <EmptyState title="No such page" />
    </Page>
  );
}
