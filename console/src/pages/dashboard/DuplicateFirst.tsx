import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import type { HeldDashboard } from "./useDashboard";

/** Says that a ready dashboard stays as it is, and offers a copy. */
export function DuplicateFirst({ held, title }: { held: HeldDashboard; title: string }) {
  return (
    <Dialog
      title={`Edit a copy of ${title}`}
      size="sm"
      onClose={held.stopCopy}
      footer={
        <>
          <Button onClick={held.stopCopy}>Cancel</Button>
          <Button kind="primary" busy={held.saving} onClick={held.duplicate}>
            Duplicate and edit
          </Button>
        </>
      }
    >
      <p>
        {title} comes with vpcflow and stays as it is, so that updates can improve it. Your copy
        stands beside it in the list of dashboards.
      </p>
    </Dialog>
  );
}
