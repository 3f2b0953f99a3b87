import { useState } from "react";
import { faultOf } from "../../api/fault";
import type { DashboardHead } from "../../panels/document";
import { renamePin } from "../../state/pins";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { TextField } from "../../ui/Field";
import { rename, words } from "./documents";

interface RenameDialogProps {
  head: DashboardHead;
  onClose: () => void;
  onDone: () => void;
}

/** Gives a dashboard another title and description. */
export function RenameDialog({ head, onClose, onDone }: RenameDialogProps) {
  const [title, setTitle] = useState(head.title);
  const [description, setDescription] = useState(head.description);
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState("");
  const save = async () => {
    if (!title.trim()) return setFault("Give it a title.");
    setBusy(true);
    try {
      await rename(head, { title: title.trim(), description });
      renamePin(head.id, title.trim());
      onDone();
      onClose();
    } catch (error) {
      setFault(words(faultOf(error)));
      setBusy(false);
    }
  };
  return (
    <Dialog
      title={`Rename ${head.title}`}
      size="sm"
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" busy={busy} onClick={save}>
            Rename
          </Button>
        </>
      }
    >
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          save();
        }}
      >
        <TextField label="Title" value={title} error={fault} maxLength={200} onChange={setTitle} />
        <TextField
          label="Description"
          value={description}
          maxLength={400}
          onChange={setDescription}
        />
        <button type="submit" hidden />
      </form>
    </Dialog>
  );
}
