/** The fields of a format in their order, also of one that is half typed. */
export function fieldsOf(format: string): string[] {
  return [...format.matchAll(/\$\{([^{}$\s]*)\}/g)].map((match) => match[1] ?? "");
}

/** A format of fields. */
export function formatOf(fields: string[]): string {
  return fields.map((name) => `\${${name}}`).join(" ");
}

/** The fields with one moved to another place. */
export function moved(fields: string[], from: number, to: number): string[] {
  const end = Math.max(0, Math.min(fields.length - 1, to));
  const next = [...fields];
  const [one] = next.splice(from, 1);
  if (one === undefined) return fields;
  next.splice(end, 0, one);
  return next;
}

const TAG_OWNERS: Record<string, string> = {
  instance: "instance",
  interface: "network-interface",
  asg: "auto-scaling-group",
};

/** How many tag keys a format needs, by resource type. */
export function tagOwnersOf(format: string): Map<string, number> {
  const wanted = new Map<string, number>();
  for (const name of fieldsOf(format)) {
    const match = /^(instance|interface|asg)-tag(-2)?$/.exec(name);
    const owner = match && TAG_OWNERS[match[1] ?? ""];
    if (owner) wanted.set(owner, Math.max(wanted.get(owner) ?? 0, match[2] ? 2 : 1));
  }
  return wanted;
}

/** A format before, at, and behind the place of a fault, to be drawn apart. */
export function aroundFault(format: string, position: number): [string, string, string] {
  const at = Math.max(0, Math.min(position, format.length));
  const rest = format.slice(at);
  const token = /^(\$\{[^}]*\}?|\S+|\s+)/.exec(rest)?.[0] ?? "";
  return [format.slice(0, at), token || " ", rest.slice(token.length)];
}
