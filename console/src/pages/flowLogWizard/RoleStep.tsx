import { useState } from "react";
import type { Asked } from "../../api/hooks";
import type { Destinations, FlowLogCheck } from "../../api/schema";
import { Combobox } from "../../ui/Combobox";
import { CopyBlock } from "../../ui/CopyBlock";
import { TextField } from "../../ui/Field";
import { type Endpoint, roleCommands } from "../flowLogs/commands";
import { CheckSteps } from "./CheckSteps";
import type { Draft } from "./draft";
import { Step } from "./Step";

/** What a role that delivers to log groups may do; AWS's own list. */
const ACTIONS = [
  "logs:CreateLogGroup",
  "logs:CreateLogStream",
  "logs:PutLogEvents",
  "logs:DescribeLogGroups",
  "logs:DescribeLogStreams",
];
const VERSION = "2012-10-17";

export interface RoleStepProps {
  draft: Draft;
  change: (part: Partial<Draft>) => void;
  destinations: Asked<Destinations>;
  check: Asked<FlowLogCheck>;
  endpoint: Endpoint | undefined;
  accountId: string;
  errors: string[];
}

/** With which right, and whether that is enough. */
export function RoleStep(props: RoleStepProps) {
  const { draft, change, destinations, check, errors } = props;
  const roles = (destinations.data?.roles ?? []).map((one) => ({
    value: one.arn,
    label: one.name,
    note: one.note,
  }));
  const group = draft.destination === "cloud-watch-logs";
  const firehose = draft.destination === "kinesis-data-firehose";
  return (
    <Step
      part="role"
      number={4}
      title={group ? "Role and check" : "Check"}
      errors={errors}
      hint={
        group
          ? "The service vpc-flow-logs.amazonaws.com writes to the log group with this role."
          : "Whether it could deliver as things stand; nothing is changed by asking."
      }
    >
      {group && (
        <Combobox
          label="Role"
          mono
          free
          value={draft.role}
          placeholder="Pick a role, or paste its ARN"
          choices={roles}
          onChange={(role) => change({ role })}
        />
      )}
      {group && <NewRole {...props} roles={roles.length} />}
      {firehose && <CrossAccount draft={draft} change={change} roles={roles} />}
      <CheckSteps
        check={check}
        waiting={
          group
            ? "Name a log group and a role: then it is checked here, step by step."
            : "Choose a destination: then it is checked here, step by step."
        }
      />
    </Step>
  );
}

function CrossAccount(props: {
  draft: Draft;
  change: (part: Partial<Draft>) => void;
  roles: { value: string; label: string; note: string }[];
}) {
  const { draft, change, roles } = props;
  return (
    <details>
      <summary>The stream belongs to another account</summary>
      <div className="stack details-body">
        <Combobox
          label="Role of this account"
          mono
          free
          value={draft.role}
          hint="It trusts delivery.logs.amazonaws.com and may assume the other."
          choices={roles}
          onChange={(role) => change({ role })}
        />
        <TextField
          label="Role of the stream's account"
          mono
          value={draft.crossRole}
          placeholder="arn:aws:iam::…:role/…"
          onChange={(crossRole) => change({ crossRole })}
        />
      </div>
    </details>
  );
}

function NewRole(props: RoleStepProps & { roles: number }) {
  const { accountId, endpoint, draft, change, destinations } = props;
  const [name, setName] = useState("vpc-flow-logs");
  const trust = {
    Version: VERSION,
    Statement: [
      {
        Effect: "Allow",
        Principal: { Service: "vpc-flow-logs.amazonaws.com" },
        Action: "sts:AssumeRole",
        Condition: { StringEquals: { "aws:SourceAccount": accountId } },
      },
    ],
  };
  const permissions = {
    Version: VERSION,
    Statement: [{ Effect: "Allow", Action: ACTIONS, Resource: "*" }],
  };
  const arn = `arn:aws:iam::${accountId}:role/${name.trim() || "vpc-flow-logs"}`;
  const take = () => {
    destinations.retry();
    change({ role: arn });
  };
  return (
    <details open={props.roles === 0 && !draft.role}>
      <summary>Make a role for this</summary>
      <div className="stack details-body">
        <TextField label="Name of the new role" mono value={name} onChange={setName} />
        <p className="quiet-text">
          Run this where your AWS CLI has keys of this account, then{" "}
          <button type="button" className="link" onClick={take}>
            use {name.trim() || "vpc-flow-logs"}
          </button>
          : it is checked below.
        </p>
        <CopyBlock
          label="the commands that make the role"
          text={roleCommands(name.trim() || "vpc-flow-logs", trust, permissions, endpoint)}
        />
      </div>
    </details>
  );
}
