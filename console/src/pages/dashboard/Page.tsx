import { RangeActions } from "../../app/actions";
import { Page } from "../../app/Page";
import { PageFilter } from "../../filter/FilterBox";
import { Brush } from "../../time/Brush";
import { EmptyState } from "../../ui/State";

/** Overview. */
export default function DashboardPage() {
  return (
    <Page title="Overview" actions={<RangeActions />} tools={<PageFilter />} edge={<Brush />}>
      <EmptyState title="Overview" />
    </Page>
  );
}
