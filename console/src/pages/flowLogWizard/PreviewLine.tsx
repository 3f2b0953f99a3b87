import { useState } from "react";
import type { Asked } from "../../api/hooks";
import type { FormatPreview, PreviewField } from "../../api/schema";
import { useLate } from "../../panels/PanelFrame";

/** A record as it would be delivered; each value says which field it is. */
export function PreviewLine({ preview }: { preview: Asked<FormatPreview> }) {
  const [at, setAt] = useState<number | null>(null);
  const busy = useLate(preview.loading);
  const data = preview.data;
  if (!data) {
    return (
      <p className="quiet-text">
        {preview.fault ? `No example: ${preview.fault.message}` : "Making an example…"}
      </p>
    );
  }
  const field = at === null ? undefined : data.fields[at];
  return (
    <section className="preview" aria-label="Example record">
      <div className={`preview-line mono ${busy ? "dimmed" : ""}`}>
        {data.fields.map((one, index) => (
          <button
            // biome-ignore lint/suspicious/noArrayIndexKey: a field may stand twice while typed
            key={`${one.name} ${index}`}
            type="button"
            className={`${one.known ? "" : "unknown"} ${at === index ? "on" : ""}`}
            aria-label={`${one.name}: ${one.value || "-"}. ${one.summary}`}
            onPointerEnter={() => setAt(index)}
            onPointerLeave={() => setAt(null)}
            onFocus={() => setAt(index)}
            onBlur={() => setAt(null)}
          >
            {one.value || "-"}
          </button>
        ))}
        {!data.fields.length && <span className="quiet-text">No field yet.</span>}
      </div>
      <p className="preview-label">{field ? <Meaning field={field} /> : <Source data={data} />}</p>
    </section>
  );
}

function Meaning({ field }: { field: PreviewField }) {
  return (
    <>
      <span className="mono">{field.name}</span> {field.summary}
    </>
  );
}

function Source({ data }: { data: FormatPreview }) {
  const from =
    data.sample === "record" ? "The newest record in this format." : "An example in this format.";
  return (
    <span className="quiet-text">
      {from} Version {data.version}, {data.fields.length} fields. Point at a value to see what it
      is.
    </span>
  );
}
