import { Page } from "../../app/Page";
import { EmptyState } from "../../ui/State";

/** Topology. */
export default function TopologyPage() {
  return (
    <Page title="Topology">
      <EmptyState title="Topology" />
    </Page>
  );
}
