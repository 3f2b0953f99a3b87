import type { Draft } from "./draft";
import { ChoiceCards, Step } from "./Step";

export interface TrafficStepProps {
  draft: Draft;
  change: (part: Partial<Draft>) => void;
  errors: string[];
}

/** Which traffic, and how often it is summed up. */
export function TrafficStep({ draft, change, errors }: TrafficStepProps) {
  return (
    <Step
      part="traffic"
      number={2}
      title="Traffic"
      errors={errors}
      hint="Security groups and network ACLs decide what is accepted."
    >
      <ChoiceCards
        name="traffic"
        label="Traffic type"
        value={draft.traffic}
        onChange={(traffic) => change({ traffic })}
        choices={[
          {
            value: "ALL",
            label: "All",
            text: "Everything. Choose this to see the whole of a conversation.",
          },
          {
            value: "ACCEPT",
            label: "Accepted",
            text: "What the rules let through: who uses what, and how much.",
          },
          {
            value: "REJECT",
            label: "Rejected",
            text: "What the rules refused: scans, and rules that are too narrow. Far fewer records.",
          },
        ]}
      />
      <ChoiceCards
        name="interval"
        label="Aggregation interval"
        value={String(draft.interval) as "60" | "600"}
        onChange={(value) => change({ interval: value === "60" ? 60 : 600 })}
        choices={[
          {
            value: "60",
            label: "1 minute",
            text: "A connection gets a record at least each minute: sooner there, more records.",
          },
          {
            value: "600",
            label: "10 minutes",
            text: "AWS's default: fewer and larger records.",
          },
        ]}
      />
    </Step>
  );
}
