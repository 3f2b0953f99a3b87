import { Filter } from "lucide-react";
import type { Cell, FieldEntry, Naming } from "../../api/types";
import { useFields } from "../../filter/useCompletion";
import { addChip } from "../../state/filter";
import { formatBytes, formatMicroseconds, formatTime } from "../../time/format";
import { IconButton } from "../../ui/Button";
import { CellView } from "../../ui/cells";
import { toast } from "../../ui/Toast";
import { Tooltip } from "../../ui/Tooltip";
import { flagsOf } from "./record";

interface RecordFieldsProps {
  values: Record<string, Cell>;
  names: Record<string, Naming>;
}

/** All fields of a record with what each means; those without a value last. */
export function RecordFields({ values, names }: RecordFieldsProps) {
  const fields = useFields().filter((field) => (field.column ?? "") in values);
  const filled = fields.filter((field) => readField(field, values) !== null);
  const empty = fields.filter((field) => readField(field, values) === null);
  return (
    <section className="record-part" aria-labelledby="record-fields">
      <header>
        <h3 id="record-fields">All fields</h3>
      </header>
      <dl className="record-fields">
        {filled.map((field) => (
          <FieldLine
            key={field.name}
            field={field}
            value={readField(field, values)}
            names={names}
          />
        ))}
      </dl>
      {empty.length > 0 && (
        <p className="quiet-text">
          Without a value: <span className="mono">{empty.map(({ name }) => name).join(", ")}</span>
        </p>
      )}
    </section>
  );
}

function readField(field: FieldEntry, values: Record<string, Cell>): Cell {
  return values[field.column ?? field.name] ?? null;
}

interface FieldLineProps {
  field: FieldEntry;
  value: Cell;
  names: Record<string, Naming>;
}

function FieldLine({ field, value, names }: FieldLineProps) {
  const chip = () => {
    addChip(field.name, "=", typeof value === "boolean" ? String(value) : value);
    toast(`The filter has ${field.name} = ${value} now`);
  };
  return (
    <div>
      <dt>
        <Tooltip text={field.summary}>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: its tooltip is for the keyboard as well */}
          <span tabIndex={0} className="field-name">
            {field.label || field.name}
          </span>
        </Tooltip>
        <span className="mono quiet-text">{field.name}</span>
      </dt>
      <dd>
        <FieldValue field={field} value={value} names={names} />
        <IconButton
          label={`Filter for ${field.name} = ${value}`}
          icon={<Filter size={13} />}
          onClick={chip}
        />
      </dd>
    </div>
  );
}

function FieldValue({ field, value, names }: FieldLineProps) {
  if (field.name === "tcp-flags" && typeof value === "number") return <Flags value={value} />;
  if (/^rtt-(min-)?us$/.test(field.name) && typeof value === "number") {
    return <span className="num">{formatMicroseconds(value)}</span>;
  }
  if (field.kind === "packets") {
    return <span className="num">{Number(value).toLocaleString("en-US")}</span>;
  }
  if (field.kind === "bytes") {
    const size = Number(value);
    return (
      <span className="num">
        {size.toLocaleString("en-US")}{" "}
        {size >= 1_000 && <span className="quiet-text">{formatBytes(size)}</span>}
      </span>
    );
  }
  if (field.kind === "time" && typeof value === "number") {
    return (
      <span className="num">
        {formatTime(value, "utc")} UTC <span className="quiet-text">{value}</span>
      </span>
    );
  }
  return <CellView kind={field.kind} value={value} names={names} />;
}

/** TCP flags with the number that the record has. */
export function Flags({ value }: { value: number }) {
  const flags = flagsOf(value);
  return (
    <span className="flags">
      <span className="num">{value}</span>
      {flags.map(({ name, means }) => (
        <span key={name} className="flag">
          <b>{name}</b> {means}
        </span>
      ))}
      {!flags.length && <span className="quiet-text">none seen</span>}
    </span>
  );
}
