import { type FormEvent, useState } from "react";
import { faultOf } from "../../api/fault";
import { hrefOf, navigate } from "../../state/location";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { TextField } from "../../ui/Field";
import { create, emptyDashboard, words } from "./documents";

/** Makes an empty dashboard and opens it for editing. */
export function NewDialog({ onClose }: { onClose: () => void }) {
  const [title, setTitle] = useState("");
  const [description, setDescription] = useState("");
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState("");
  const make = async (event?: FormEvent) => {
    event?.preventDefault();
    if (!title.trim()) return setFault("Give it a title.");
    setBusy(true);
    try {
      const made = await create({ ...emptyDashboard(title.trim()), description });
      navigate(hrefOf(`/dashboards/${made.head.id}?edit=1`));
    } catch (error) {
      setFault(words(faultOf(error)));
      setBusy(false);
    }
  };
  return (
    <Dialog
      title="New dashboard"
      size="sm"
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" busy={busy} onClick={() => make()}>
            Create and edit
          </Button>
        </>
      }
    >
      <form className="stack" onSubmit={make}>
        <TextField
          label="Title"
          value={title}
          error={fault}
          maxLength={200}
          data-autofocus
          onChange={setTitle}
        />
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
