import { ArrowLeftRight } from "lucide-react";
import { type FormEvent, useEffect, useMemo, useState } from "react";
import type { FiveTuple } from "../../network/addresses";
import type { Network } from "../../network/network";
import { Button, IconButton } from "../../ui/Button";
import { Combobox } from "../../ui/Combobox";
import { Select, TextField } from "../../ui/Field";

export type Flow = Required<FiveTuple>;

const PROTOCOLS = [
  { value: "tcp", label: "TCP" },
  { value: "udp", label: "UDP" },
  { value: "icmp", label: "ICMP (ping)" },
  { value: "icmpv6", label: "ICMPv6 (ping)" },
  { value: "47", label: "GRE" },
  { value: "50", label: "ESP" },
];
const NAMES: Record<string, string> = { "6": "tcp", "17": "udp", "1": "icmp", "58": "icmpv6" };

/** The protocol as the form has it: a name where it has one. */
export const protocolName = (text: string): string => NAMES[text] ?? text.toLowerCase();

export const hasPorts = (protocol: string): boolean =>
  ["tcp", "udp"].includes(protocolName(protocol));

interface FormProps {
  flow: Flow;
  network: Network;
  busy: boolean;
  onFlow: (flow: Flow) => void;
}

/** Asks for a flow: two addresses, ports, protocol. */
export function FlowForm({ flow, network, busy, onFlow }: FormProps) {
  const [own, setOwn] = useState(flow);
  const [wrong, setWrong] = useState<Partial<Flow>>({});
  const key = JSON.stringify(flow);
  useEffect(() => setOwn(JSON.parse(key) as Flow), [key]);
  const put = (changes: Partial<Flow>) => setOwn((before) => ({ ...before, ...changes }));
  const choices = useMemo(() => addressChoices(network), [network]);
  const common = { flow: own, wrong, put, choices };
  const protocols = PROTOCOLS.some(({ value }) => value === own.protocol)
    ? PROTOCOLS
    : [...PROTOCOLS, { value: own.protocol, label: `Protocol ${own.protocol}` }];
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const faults = faultsOf(own);
    setWrong(faults);
    if (Object.keys(faults).length === 0) onFlow(own);
  };
  const turn = () =>
    put({
      source: own.destination,
      destination: own.source,
      sport: own.dport,
      dport: own.sport,
    });
  const ports = hasPorts(own.protocol);
  return (
    <form className="card explain-form" aria-label="Flow" onSubmit={submit} noValidate>
      <Address {...common} end="source" label="Source" placeholder="198.51.100.9" />
      {ports && <Port {...common} end="sport" label="Source port" placeholder="any" />}
      <IconButton
        kind="plain"
        label="Swap source and destination"
        icon={<ArrowLeftRight size={14} />}
        onClick={turn}
      />
      <Address {...common} end="destination" label="Destination" placeholder="10.0.1.10" />
      {ports && <Port {...common} end="dport" label="Port" placeholder="443" />}
      <Select
        label="Protocol"
        value={own.protocol}
        choices={protocols}
        onChange={(protocol) => put({ protocol })}
      />
      <Select
        label="VPC"
        value={own.vpc}
        choices={[
          { value: "", label: "Any" },
          ...[...network.vpcs.values()].map((vpc) => ({ value: vpc.vpc_id, label: vpc.name })),
        ]}
        onChange={(vpc) => put({ vpc })}
      />
      <Button kind="primary" type="submit" busy={busy}>
        Explain
      </Button>
    </form>
  );
}

interface EndProps<End extends keyof Flow> {
  end: End;
  label: string;
  placeholder: string;
  flow: Flow;
  wrong: Partial<Flow>;
  choices: ReturnType<typeof addressChoices>;
  put: (changes: Partial<Flow>) => void;
}

function Address({ end, flow, wrong, put, ...rest }: EndProps<"source" | "destination">) {
  return (
    <Combobox
      {...rest}
      mono
      free
      value={flow[end]}
      error={wrong[end]}
      onChange={(address) => put({ [end]: address.trim() })}
    />
  );
}

function Port({ end, label, placeholder, flow, wrong, put }: EndProps<"sport" | "dport">) {
  return (
    <TextField
      label={label}
      placeholder={placeholder}
      mono
      inputMode="numeric"
      value={flow[end]}
      error={wrong[end]}
      onChange={(port) => put({ [end]: port.trim() })}
    />
  );
}

function addressChoices(network: Network) {
  return [...network.interfaces.values()].flatMap((one) =>
    one.addresses.map((address) => ({
      value: address,
      label: address,
      note: one.name === one.interface_id ? one.interface_id : `${one.name}  ${one.interface_id}`,
    })),
  );
}

const ADDRESS = /^(\d{1,3}(\.\d{1,3}){3}|[\da-fA-F:]*:[\da-fA-F:.]*)$/;

/** What is wrong with a flow, by field. */
export function faultsOf(flow: Flow): Partial<Flow> {
  const faults: Partial<Flow> = {};
  for (const end of ["source", "destination"] as const) {
    if (!flow[end]) faults[end] = "An address is needed";
    else if (!ADDRESS.test(flow[end])) faults[end] = "This is no address";
  }
  if (!hasPorts(flow.protocol)) return faults;
  const isPort = (text: string) => /^\d{1,5}$/.test(text) && Number(text) <= 65_535;
  if (!isPort(flow.dport)) faults.dport = flow.dport ? "0 to 65535" : "Needed";
  if (flow.sport && !isPort(flow.sport)) faults.sport = "0 to 65535";
  return faults;
}
