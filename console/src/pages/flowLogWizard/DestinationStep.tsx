import { Database, Send, SquareTerminal } from "lucide-react";
import type { Asked } from "../../api/hooks";
import type { DestinationChoice, Destinations } from "../../api/schema";
import { Segmented } from "../../ui/Choice";
import { Combobox } from "../../ui/Combobox";
import { Checkbox, TextField } from "../../ui/Field";
import type { DestinationType, Draft } from "./draft";
import { ChoiceCards, Step } from "./Step";

export interface DestinationStepProps {
  draft: Draft;
  change: (part: Partial<Draft>) => void;
  destinations: Asked<Destinations>;
  errors: string[];
}

const KINDS: { value: DestinationType; label: string; text: string; icon: React.ReactNode }[] = [
  {
    value: "cloud-watch-logs",
    label: "Log group",
    text: "Search it at once, with filters and alarms. Needs a role.",
    icon: <SquareTerminal size={14} aria-hidden />,
  },
  {
    value: "s3",
    label: "S3 bucket",
    text: "Files for long keeping and for Athena. No role, the bucket's policy counts.",
    icon: <Database size={14} aria-hidden />,
  },
  {
    value: "kinesis-data-firehose",
    label: "Firehose stream",
    text: "Records as they come, to wherever the stream leads.",
    icon: <Send size={14} aria-hidden />,
  },
];

/** Where to. */
export function DestinationStep({ draft, change, destinations, errors }: DestinationStepProps) {
  return (
    <Step
      part="destination"
      number={3}
      title="Destination"
      errors={errors}
      hint="Several flow logs may deliver the same resource to different places."
    >
      <ChoiceCards
        name="destination"
        label="Kind of destination"
        value={draft.destination}
        choices={KINDS}
        onChange={(destination) => change({ destination })}
      />
      {draft.destination === "cloud-watch-logs" && (
        <GroupFields draft={draft} change={change} choices={destinations.data?.log_groups} />
      )}
      {draft.destination === "s3" && (
        <BucketFields draft={draft} change={change} choices={destinations.data?.buckets} />
      )}
      {draft.destination === "kinesis-data-firehose" && (
        <StreamFields draft={draft} change={change} choices={destinations.data?.streams} />
      )}
      {destinations.data && destinations.data.not_allowed.length > 0 && (
        <p className="quiet-text">
          Lists may be short: you are not allowed {destinations.data.not_allowed.join(", ")}. Names
          may be typed all the same.
        </p>
      )}
    </Step>
  );
}

interface FieldsProps {
  draft: Draft;
  change: (part: Partial<Draft>) => void;
  choices: DestinationChoice[] | undefined;
}

function choicesOf(list: DestinationChoice[] | undefined, value: "name" | "arn") {
  return (list ?? []).map((one) => ({ value: one[value], label: one.name, note: one.note }));
}

function GroupFields({ draft, change, choices }: FieldsProps) {
  const there = choices?.some((one) => one.name === draft.group.trim());
  const hint = !draft.group
    ? "An existing log group, or a new name: it is made with the first records."
    : there
      ? "This log group is there."
      : "A new log group: it is made with the first records.";
  return (
    <Combobox
      label="Log group"
      mono
      free
      value={draft.group}
      placeholder="/vpc/flows"
      hint={hint}
      choices={choicesOf(choices, "name")}
      onChange={(group) => change({ group })}
    />
  );
}

function BucketFields({ draft, change, choices }: FieldsProps) {
  return (
    <>
      <div className="two">
        <Combobox
          label="Bucket"
          mono
          free
          value={draft.bucket}
          placeholder="my-flow-logs"
          hint="Its name, or its ARN when it is another account's."
          choices={choicesOf(choices, "name")}
          onChange={(bucket) => change({ bucket })}
        />
        <TextField
          label="Folder"
          mono
          value={draft.folder}
          placeholder="optional"
          hint="AWSLogs/… stands within it."
          onChange={(folder) => change({ folder })}
        />
      </div>
      <div className="field">
        <span className="label">File format</span>
        <div>
          <Segmented
            label="File format"
            value={draft.parquet ? "parquet" : "text"}
            options={[
              { value: "text", label: "Text, gzipped" },
              { value: "parquet", label: "Parquet" },
            ]}
            onChange={(value) => change({ parquet: value === "parquet" })}
          />
        </div>
      </div>
      <Checkbox
        label="Hive-compatible folders"
        hint="aws-account-id=…/year=…/month=…: Athena finds partitions by itself."
        checked={draft.hive}
        onChange={(hive) => change({ hive })}
      />
      <Checkbox
        label="A folder for each hour"
        hint="Queries of a few hours read less."
        checked={draft.perHour}
        onChange={(perHour) => change({ perHour })}
      />
    </>
  );
}

function StreamFields({ draft, change, choices }: FieldsProps) {
  return (
    <Combobox
      label="Delivery stream"
      mono
      free
      value={draft.stream}
      placeholder="arn:aws:firehose:…:deliverystream/flows"
      hint="A stream of this account, or the ARN of another account's, which also needs two roles."
      choices={choicesOf(choices, "arn")}
      onChange={(stream) => change({ stream })}
    />
  );
}
