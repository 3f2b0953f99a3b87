import { X } from "lucide-react";
import { useMemo, useState } from "react";
import type { Asked } from "../../api/hooks";
import type { NetworkShown } from "../../api/schema";
import { formatCount } from "../../time/format";
import { Button, IconButton } from "../../ui/Button";
import { Tabs } from "../../ui/Choice";
import { Checkbox, TextField } from "../../ui/Field";
import { hasWords, SearchField } from "../../ui/SearchField";
import { EmptyState, ErrorState, Skeleton } from "../../ui/State";
import { type Draft, interfacesOf, type Kind, kindOf } from "./draft";
import { Step } from "./Step";

/** Resources listed at once; the search finds the rest. */
const LISTED_MAX = 100;

interface Entry {
  id: string;
  name: string;
  note: string;
  interfaces: number;
  flowLogs: number;
}

export interface ResourceStepProps {
  draft: Draft;
  change: (part: Partial<Draft>) => void;
  network: Asked<NetworkShown>;
  errors: string[];
}

/** On what: VPCs, subnets or interfaces, of one kind at a time. */
export function ResourceStep({ draft, change, network, errors }: ResourceStepProps) {
  const [words, setWords] = useState("");
  const data = network.data;
  const entries = useMemo(() => (data ? entriesOf(data) : undefined), [data]);
  const list = entries?.[draft.kind];
  const tabs = [
    { value: "vpc", label: "VPCs", count: entries?.vpc.length },
    { value: "subnet", label: "Subnets", count: entries?.subnet.length },
    { value: "eni", label: "Interfaces", count: data?.interfaces_total },
  ];
  const toKind = (kind: string) => {
    if (kind !== draft.kind) change({ kind: kind as Kind, resources: [] });
  };
  return (
    <Step
      part="resources"
      number={1}
      title="Resources"
      errors={errors}
      hint="A flow log on a VPC or subnet also covers interfaces that are added to it later."
    >
      {data === undefined && network.fault && (
        <ErrorState fault={network.fault} onRetry={network.retry} />
      )}
      {data === undefined && !network.fault && <Skeleton />}
      {list && (
        <Tabs label="Kind of resource" value={draft.kind} tabs={tabs} onChange={toKind}>
          <Chosen draft={draft} change={change} entries={list} />
          <SearchField
            label="Search resources"
            placeholder="Search by name, id or address"
            value={words}
            onChange={setWords}
          />
          <ResourceList draft={draft} change={change} list={list} words={words} />
        </Tabs>
      )}
      {data && <Inherits draft={draft} network={data} />}
    </Step>
  );
}

function entriesOf(network: NetworkShown): Record<Kind, Entry[]> {
  const logsOf = new Map<string, Set<string>>();
  for (const one of network.interfaces) {
    for (const place of [one.vpc_id, one.subnet_id]) {
      const logs = logsOf.get(place) ?? new Set();
      for (const log of one.flow_logs) logs.add(log);
      logsOf.set(place, logs);
    }
  }
  const subnets = new Map(network.subnets.map((one) => [one.subnet_id, one.name]));
  return {
    vpc: network.vpcs.map((one) => ({
      id: one.vpc_id,
      name: one.name,
      note: one.cidrs.join(", "),
      interfaces: one.interfaces,
      flowLogs: logsOf.get(one.vpc_id)?.size ?? 0,
    })),
    subnet: network.subnets.map((one) => ({
      id: one.subnet_id,
      name: one.name,
      note: `${one.cidrs.join(", ")}, ${one.zone}`,
      interfaces: one.interfaces,
      flowLogs: logsOf.get(one.subnet_id)?.size ?? 0,
    })),
    eni: network.interfaces.map((one) => ({
      id: one.interface_id,
      name: one.name || one.description,
      note: `${one.addresses.slice(0, 2).join(", ")} in ${subnets.get(one.subnet_id) || one.subnet_id}`,
      interfaces: 1,
      flowLogs: one.flow_logs.length,
    })),
  };
}

function ResourceList(props: {
  draft: Draft;
  change: (part: Partial<Draft>) => void;
  list: Entry[];
  words: string;
}) {
  const { draft, change, list } = props;
  const found = list.filter((one) => hasWords(`${one.name} ${one.id} ${one.note}`, props.words));
  const chosen = new Set(draft.resources);
  const toggle = (id: string, on: boolean) =>
    change({ resources: on ? [...draft.resources, id] : draft.resources.filter((x) => x !== id) });
  if (!found.length) {
    return (
      <EmptyState title={list.length ? "No resource fits" : "None is known"}>
        {list.length
          ? "Try a part of a name, an id or an address."
          : "Make one with the AWS CLI, or give its id above."}
      </EmptyState>
    );
  }
  return (
    <ul className="pick-list">
      {found.slice(0, LISTED_MAX).map((one) => (
        <li key={one.id} className={chosen.has(one.id) ? "chosen" : ""}>
          <Checkbox
            checked={chosen.has(one.id)}
            onChange={(on) => toggle(one.id, on)}
            label={
              <span className="pick-entry">
                <strong>{one.name || one.id}</strong>
                <span className="mono">{one.id}</span>
                <span className="quiet-text">{one.note}</span>
                <span className="quiet-text num pick-count">
                  {draft.kind !== "eni" &&
                    `${formatCount(one.interfaces)} interface${one.interfaces === 1 ? "" : "s"}`}
                  {one.flowLogs > 0 &&
                    `${draft.kind === "eni" ? "" : ", "}${one.flowLogs} flow log${one.flowLogs > 1 ? "s" : ""}`}
                </span>
              </span>
            }
          />
        </li>
      ))}
      {found.length > LISTED_MAX && (
        <li className="quiet-text">{found.length - LISTED_MAX} more: search to find them.</li>
      )}
    </ul>
  );
}

function Chosen(props: { draft: Draft; change: (part: Partial<Draft>) => void; entries: Entry[] }) {
  const { draft, change, entries } = props;
  const [id, setId] = useState("");
  const kind = kindOf(id.trim());
  const add = () => {
    const one = id.trim();
    if (!kind) return;
    const others = kind === draft.kind ? draft.resources.filter((x) => x !== one) : [];
    change({ kind, resources: [...others, one] });
    setId("");
  };
  return (
    <div className="chosen-row">
      <ul className="row" aria-label="Chosen resources">
        {draft.resources.map((one) => (
          <li key={one} className="chip">
            <span className="chip-text">
              {entries.find((entry) => entry.id === one)?.name || one}
            </span>
            <IconButton
              label={`Remove ${one}`}
              className="chip-remove"
              icon={<X size={12} />}
              onClick={() => change({ resources: draft.resources.filter((x) => x !== one) })}
            />
          </li>
        ))}
      </ul>
      <details open={entries.length === 0}>
        <summary>Give an id</summary>
        <div className="id-row">
          <TextField
            label="Id of a VPC, subnet or interface"
            hideLabel
            mono
            value={id}
            placeholder="eni-0a1b2c3d4e5f60718"
            error={id && !kind ? "An id begins with vpc-, subnet- or eni-." : undefined}
            onChange={setId}
            onKeyDown={(event) => {
              if (event.key !== "Enter") return;
              event.preventDefault();
              add();
            }}
          />
          <Button disabled={!kind} onClick={add}>
            Add
          </Button>
        </div>
      </details>
    </div>
  );
}

function Inherits({ draft, network }: { draft: Draft; network: NetworkShown }) {
  const count = interfacesOf(draft, network);
  if (!draft.resources.length) return null;
  const each = draft.resources.length > 1 ? "one flow log each, together " : "";
  return (
    <p className="quiet-text" role="status">
      {draft.kind === "eni"
        ? `${draft.resources.length} interface${draft.resources.length > 1 ? "s, one flow log each" : ""}.`
        : `Covers ${each}${count} interface${count === 1 ? "" : "s"} now, and those that are added later.`}
    </p>
  );
}
