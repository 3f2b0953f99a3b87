import { useEffect, useState } from "react";
import { guardLeaving, navigate } from "../../state/location";
import { Confirm } from "../../ui/Dialog";

/** Asks before changes that are not saved are lost. */
export function LeaveDialog({ dirty }: { dirty: boolean }) {
  const [to, setTo] = useState<string | null>(null);
  useEffect(() => {
    if (!dirty) return;
    const warn = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener("beforeunload", warn);
    guardLeaving((target) => {
      setTo(target);
      return false;
    });
    return () => {
      window.removeEventListener("beforeunload", warn);
      guardLeaving(null);
    };
  }, [dirty]);
  if (to === null) return null;
  return (
    <Confirm
      title="Leave without saving?"
      action="Leave and lose the changes"
      danger
      onClose={() => setTo(null)}
      onConfirm={() => {
        setTo(null);
        guardLeaving(null);
        navigate(to);
      }}
    >
      The changes of this dashboard are not saved yet.
    </Confirm>
  );
}
