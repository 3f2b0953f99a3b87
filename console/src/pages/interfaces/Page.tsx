import { Page } from "../../app/Page";
import { EmptyState } from "../../ui/State";

/** Interfaces. */
export default function InterfacesPage() {
  return (
    <Page title="Interfaces">
      <EmptyState title="Interfaces" />
    </Page>
  );
}
