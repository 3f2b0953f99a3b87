import { useMemo } from "react";
import { useJson } from "../../api/hooks";
import type { AnswerColumn, ColumnKind, FieldEntry, Naming } from "../../api/types";
import { fieldsToAsk } from "../explore/columns";

/** What OpenedRecord and the gaps need, whatever is shown. */
const ALWAYS = ["start", "end", "tcp-flags", "flow-direction", "reject-rule", "packets", "bytes"];

/** The chosen fields as columns of the table, and the fields to ask the stream for. */
export function useLiveColumns(shown: string[]): {
  columns: AnswerColumn[];
  fields: FieldEntry[];
  asked: string;
} {
  const known = useJson<{ fields: FieldEntry[] }>("/fields").data?.fields;
  return useMemo(() => {
    const fields = known ?? [];
    const columns = shown.map((name) => {
      const field = fields.find((one) => one.name === name);
      return {
        name: name.replace(/-/g, "_"),
        kind: (field?.kind ?? kindOf(name)) as ColumnKind,
        label: field?.label ?? name,
        quiet: false,
      };
    });
    // Not narrowed to the known ones: the stream would be opened again when they are known.
    return { columns, fields, asked: fieldsToAsk([...ALWAYS, ...shown], []) };
  }, [known, shown]);
}

/** The kind of a field until the server has said it. */
function kindOf(name: string): ColumnKind {
  if (/addr$/.test(name)) return "address";
  if (/port$/.test(name)) return "port";
  if (name === "start" || name === "end") return "time";
  if (name === "bytes" || name === "packets" || name === "protocol") return name;
  return "text";
}

interface NetworkPart {
  interfaces: { interface_id: string; name: string; addresses: unknown[] }[];
}

/** What interfaces and their addresses are called. */
export function useNames(): Record<string, Naming> {
  const network = useJson<NetworkPart>("/network").data;
  return useMemo(() => {
    const names: Record<string, Naming> = {};
    for (const { interface_id, name, addresses } of network?.interfaces ?? []) {
      if (!name) continue;
      names[interface_id] = { name, interface_id, kind: "interface" };
      for (const one of addresses) {
        const text = typeof one === "string" ? one : (one as { address?: string }).address;
        if (text) names[text] = { name, interface_id, kind: "interface" };
      }
    }
    return names;
  }, [network]);
}
