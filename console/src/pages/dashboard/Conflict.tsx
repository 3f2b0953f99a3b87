import { serverNow } from "../../state/clock";
import { formatAgo } from "../../time/format";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import type { HeldDashboard } from "./useDashboard";

/** Says who changed the dashboard in between, and offers the ways out. */
export function Conflict({ held }: { held: HeldDashboard }) {
  const theirs = held.conflict === "unknown" ? undefined : held.conflict;
  const who = theirs?.updated_by?.split(/[/:]/).pop();
  const when = theirs?.updated_s ? `, ${formatAgo(theirs.updated_s, serverNow())}` : "";
  return (
    <Dialog
      title="The dashboard was changed in between"
      size="sm"
      onClose={held.stopConflict}
      footer={
        <>
          <Button onClick={held.takeTheirs}>Reload and lose mine</Button>
          <Button kind="primary" busy={held.saving} onClick={held.saveAsCopy}>
            Save mine as a copy
          </Button>
        </>
      }
    >
      <p>
        {who ? (
          <>
            <b>{who}</b> saved it{when}.
          </>
        ) : (
          "Somebody else saved or deleted it."
        )}{" "}
        Saving now would undo that.
      </p>
    </Dialog>
  );
}
