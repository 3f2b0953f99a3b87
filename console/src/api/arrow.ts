import { tableFromIPC } from "@uwdata/flechette";
import type { Answer, Values } from "./types";

/** Where the envelope of an answer stands in the schema's metadata. */
const ENVELOPE = "vpcflow";

/** An answer from its Arrow stream. Errors: Error when the envelope is missing. */
export function answerOfArrow(body: Uint8Array): Answer {
  const table = tableFromIPC(body, { useBigInt: false, useDate: false });
  const envelope = table.schema.metadata?.get(ENVELOPE);
  if (!envelope) throw new Error("the Arrow stream has no envelope");
  const data: Record<string, Values> = {};
  table.schema.fields.forEach((field, index) => {
    data[field.name] = table.getChildAt(index).toArray() as Values;
  });
  return { ...(JSON.parse(envelope) as Answer), rows: table.numRows, data };
}
