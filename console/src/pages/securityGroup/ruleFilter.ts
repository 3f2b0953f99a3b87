/** The records that a rule allowed, in the filter language. */
import type { GroupInterface, RuleUse } from "../../api/schema";
import type { Network } from "../../network/network";

/** Ids or addresses of one list; a longer one would not fit into an address. */
const LISTED_MAX = 60;

const NUMBERS: Record<string, string> = { tcp: "6", udp: "17", icmp: "1", icmpv6: "58" };

const listOf = (field: string, values: string[]): string =>
  values.length === 1 ? `${field} = ${values[0]}` : `${field} in (${values.join(", ")})`;

/** As near as records can be told: ports and peers count at either end. */
export function ruleFilter(
  rule: Pick<RuleUse, "protocol" | "ports" | "peer">,
  members: readonly Pick<GroupInterface, "interface_id">[],
  network: Network,
): string {
  const terms: string[] = [];
  const ids = members.map((one) => one.interface_id);
  if (ids.length > 0 && ids.length <= LISTED_MAX) terms.push(listOf("interface-id", ids));
  terms.push("action = ACCEPT");
  if (rule.protocol !== "all") {
    terms.push(`protocol = ${NUMBERS[rule.protocol] ?? rule.protocol}`);
    if (/^\d+$/.test(rule.ports)) terms.push(`port = ${rule.ports}`);
    else if (/^\d+-\d+$/.test(rule.ports)) terms.push(`port in (${rule.ports})`);
  }
  const peers = peersOf(rule.peer, network);
  if (peers) terms.push(peers);
  return terms.join(" and ");
}

function peersOf(peer: string, network: Network): string {
  if (peer.includes("/")) return `addr in ${peer}`;
  if (!peer.startsWith("sg-")) return "";
  const addresses = [...network.interfaces.values()]
    .filter((one) => one.groups.includes(peer))
    .flatMap((one) => one.addresses);
  if (addresses.length === 0 || addresses.length > LISTED_MAX) return "";
  return listOf("addr", addresses);
}
