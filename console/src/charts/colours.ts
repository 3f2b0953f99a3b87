/** Colours of series: the same name has the same colour on every page. */

export type Token =
  | "c1"
  | "c2"
  | "c3"
  | "c4"
  | "c5"
  | "c6"
  | "c7"
  | "c8"
  | "accept"
  | "reject"
  | "text-2"
  | "text-3";

/** c6 is not here: it is kept for what is "other", "internal" or "internet". */
const SLOTS: readonly Token[] = ["c1", "c2", "c3", "c4", "c5", "c7", "c8"];

const FIXED: Record<string, Token> = {
  other: "c6",
  internal: "c6",
  internet: "c6",
  ingress: "c2",
  egress: "c1",
  accept: "c1",
  accepted: "c1",
  traffic: "c1",
  bytes: "c1",
  records: "c1",
  packets: "c2",
  tcp: "c1",
  udp: "c2",
  icmp: "c4",
  ok: "c1",
  nodata: "c6",
  skipdata: "c4",
  reject: "reject",
  rejected: "reject",
};

function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1)
    value = Math.imul(value ^ text.charCodeAt(at), 0x01000193) >>> 0;
  return (value ^ (value >>> 15)) >>> 0;
}

export const isRejected = (name: string): boolean => /^reject(ed)?$/i.test(name);

/** The token of one name, without regard to its neighbours. */
export function colourOf(name: string): Token {
  const key = name.trim().toLowerCase();
  return FIXED[key] ?? SLOTS[hash(key) % SLOTS.length] ?? "c1";
}

/** Tokens of the names of one chart: two names share a colour only when there are more than seven. */
export function coloursOf(names: readonly string[]): Map<string, Token> {
  const found = new Map<string, Token>();
  const taken = new Set<Token>();
  for (const name of names) {
    const fixed = FIXED[name.trim().toLowerCase()];
    if (!fixed) continue;
    found.set(name, fixed);
    taken.add(fixed);
  }
  // By name, not by size: sizes change from answer to answer and colours must not.
  for (const name of [...names].sort()) {
    if (found.has(name)) continue;
    const first = hash(name.trim().toLowerCase()) % SLOTS.length;
    let slot = SLOTS[first] ?? "c1";
    for (let step = 0; step < SLOTS.length; step += 1) {
      const next = SLOTS[(first + step) % SLOTS.length] ?? "c1";
      if (!taken.has(next)) {
        slot = next;
        break;
      }
    }
    found.set(name, slot);
    taken.add(slot);
  }
  return found;
}

/** The fill of a stacked area: what is quiet is lighter. */
export function fillOf(token: Token): number {
  if (token === "reject") return 1;
  if (token === "c6") return 0.55;
  if (token === "c2") return 0.72;
  return 0.82;
}
