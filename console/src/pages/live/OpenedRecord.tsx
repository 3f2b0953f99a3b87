import { useState } from "react";
import { Drawer } from "../../ui/Dialog";
import { EmptyState } from "../../ui/State";
import { RecordDrawer } from "../explore/RecordDrawer";
import { keyOfRow } from "../explore/record";
import type { RowRing } from "./ring";

interface OpenedRecordProps {
  ring: RowRing;
  /** The row of the stream. */
  row: number;
  onClose: () => void;
}

/** The record of a row, opened; its key is read once, since rows go. */
export function OpenedRecord({ ring, row, onClose }: OpenedRecordProps) {
  const [key] = useState(() => keyOfRow((column) => ring.cell(row, column)));
  if (key) return <RecordDrawer record={key} onClose={onClose} />;
  return (
    <Drawer title="Flow record" onClose={onClose}>
      <EmptyState title="This record does not say when it began" action={<span />} />
    </Drawer>
  );
}
