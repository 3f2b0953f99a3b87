import type { Asked } from "../../api/hooks";
import type { FlowLogFields, FormatPreview } from "../../api/schema";
import { Button } from "../../ui/Button";
import { Segmented } from "../../ui/Choice";
import { TextArea, TextField } from "../../ui/Field";
import { ErrorState, Skeleton } from "../../ui/State";
import type { Draft } from "./draft";
import { FieldOrder } from "./FieldOrder";
import { FieldPicker } from "./FieldPicker";
import { aroundFault, fieldsOf, formatOf, tagOwnersOf } from "./format";
import { PreviewLine } from "./PreviewLine";
import { Step } from "./Step";

export interface FormatStepProps {
  draft: Draft;
  change: (part: Partial<Draft>) => void;
  fields: Asked<FlowLogFields>;
  preview: Asked<FormatPreview>;
  errors: string[];
}

/** What a record says. */
export function FormatStep({ draft, change, fields, preview, errors }: FormatStepProps) {
  const usual = fields.data?.default_format ?? "";
  const toCustom = (custom: boolean) =>
    change({ custom, format: custom && !draft.format ? usual : draft.format });
  return (
    <Step
      part="format"
      number={5}
      title="Record format"
      errors={errors}
      hint="Which fields a record has, and in which order. It cannot be changed later."
    >
      <div>
        <Segmented
          label="Record format"
          value={draft.custom ? "custom" : "default"}
          options={[
            { value: "default", label: "AWS's default, 14 fields" },
            { value: "custom", label: "Custom" },
          ]}
          onChange={(value) => toCustom(value === "custom")}
        />
      </div>
      {fields.data === undefined &&
        (fields.fault ? <ErrorState fault={fields.fault} onRetry={fields.retry} /> : <Skeleton />)}
      {draft.custom && fields.data && (
        <Builder draft={draft} change={change} fields={fields.data} preview={preview} />
      )}
      <PreviewLine preview={preview} />
    </Step>
  );
}

function Builder(props: {
  draft: Draft;
  change: (part: Partial<Draft>) => void;
  fields: FlowLogFields;
  preview: Asked<FormatPreview>;
}) {
  const { draft, change, fields, preview } = props;
  const chosen = fieldsOf(draft.format);
  const set = (next: string[]) => change({ format: formatOf(next) });
  const all = fields.versions.flatMap((version) => version.fields.map((field) => field.name));
  return (
    <>
      <div className="builder">
        <FieldPicker fields={fields} chosen={chosen} onChange={set} />
        <FieldOrder fields={fields} chosen={chosen} onChange={set} />
      </div>
      <div className="row">
        <Button size="sm" onClick={() => change({ format: fields.default_format })}>
          Back to the default
        </Button>
        <Button
          size="sm"
          onClick={() => set(all.filter((name) => !tagOwnersOf(formatOf([name])).size))}
        >
          All but tags
        </Button>
      </div>
      <RawFormat
        format={draft.format}
        error={preview.data?.error ?? ""}
        position={preview.data?.position ?? null}
        fresh={preview.fresh}
        onChange={(format) => change({ format })}
      />
      <TagKeys draft={draft} change={change} />
    </>
  );
}

function RawFormat(props: {
  format: string;
  error: string;
  position: number | null;
  fresh: boolean;
  onChange: (format: string) => void;
}) {
  const { format, error, position } = props;
  // A fault of an earlier text would point at the wrong place.
  const shown = props.fresh && format.trim() ? error : "";
  const [before, at, after] = aroundFault(format, position ?? 0);
  return (
    <TextArea
      label="The same as text"
      mono
      rows={3}
      spellCheck={false}
      autoComplete="off"
      value={format}
      hint="As in --log-format of the AWS CLI; either side follows the other."
      error={
        shown && (
          <>
            {shown}
            {position !== null && (
              <span className="format-fault mono" aria-hidden>
                {before.slice(-40)}
                <mark>{at}</mark>
                {after.slice(0, 40)}
              </span>
            )}
            {position !== null && <span className="sr"> at character {position + 1}</span>}
          </>
        )
      }
      onChange={(value) => props.onChange(value.replace(/[\r\n]+/g, " "))}
    />
  );
}

function TagKeys({ draft, change }: Pick<FormatStepProps, "draft" | "change">) {
  const owners = [...tagOwnersOf(draft.format)];
  if (!owners.length) return null;
  return (
    <div className="two">
      {owners.flatMap(([owner, count]) =>
        Array.from({ length: count }, (_, index) => {
          const keys = draft.tagFields[owner] ?? [];
          const label = `Tag key${count > 1 ? ` ${index + 1}` : ""} of ${owner}`;
          return (
            <TextField
              key={label}
              label={label}
              value={keys[index] ?? ""}
              placeholder="Name"
              onChange={(value) => {
                const next = Array.from({ length: count }, (_x, at) => keys[at] ?? "");
                next[index] = value;
                change({ tagFields: { ...draft.tagFields, [owner]: next } });
              }}
            />
          );
        }),
      )}
    </div>
  );
}
