import { tableFromIPC } from "@uwdata/flechette";
import type { Answer, Cell, Values } from "./types";

/** Where the envelope of an answer stands in the schema's metadata. */
const ENVELOPE = "vpcflow";

/** Whole numbers above 2^53 lose their last digits, as in JSON, rather than failing the answer. */
const plain = (value: Cell | bigint): Cell => (typeof value === "bigint" ? Number(value) : value);

/** An answer from its Arrow stream. Errors: Error when the envelope is missing. */
export function answerOfArrow(body: Uint8Array): Answer {
  const table = tableFromIPC(body, { useBigInt: true, useDate: false });
  const envelope = table.schema.metadata?.get(ENVELOPE);
  if (!envelope) throw new Error("the Arrow stream has no envelope");
  const data: Record<string, Values> = {};
  table.schema.fields.forEach((field, index) => {
    // A plain array, as JSON gives it: charts map values to text, which typed arrays cannot.
    const values = table.getChildAt(index).toArray() as ArrayLike<Cell | bigint>;
    data[field.name] = Array.from(values, plain);
  });
  return { ...(JSON.parse(envelope) as Answer), rows: table.numRows, data };
}
