import { Page } from "../../app/Page";
import { EmptyState } from "../../ui/State";

/** Explore. */
export default function ExplorePage() {
  return (
    <Page title="Explore">
      <EmptyState title="Explore" />
    </Page>
  );
}
