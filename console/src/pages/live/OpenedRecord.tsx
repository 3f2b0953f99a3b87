import { useEffect } from "react";
import { hrefOf, navigate } from "../../state/location";
import { filterOfRecord, keyOfRow, recordText } from "../explore/record";
import type { RowRing } from "./ring";

interface OpenedRecordProps {
  ring: RowRing;
  /** The row of the stream. */
  row: number;
  onClose: () => void;
}

/** The record of a row, opened. */
export function OpenedRecord({ ring, row, onClose }: OpenedRecordProps) {
  useEffect(() => {
    const key = keyOfRow((column) => ring.cell(row, column));
    if (key) {
      const own = {
        record: recordText(key),
        filter: filterOfRecord(key),
        start: String(key.start - 300),
        end: String(key.start + 300),
        last: null,
      };
      navigate(hrefOf("/explore", own));
    }
    onClose();
  }, [ring, row, onClose]);
  return null;
}
