/** What to change so that a refused flow passes, as commands of the AWS CLI. */
import type { Explained, StepShown } from "../../api/schema";

const NEEDED =
  /for (ingress|egress) of (\S+?)(?: (type )?([\d-]+))?, (?:source|destination) ([\da-fA-F.:]+)(?:.*below (\d+))?/;

interface Needed {
  direction: string;
  protocol: string;
  /** First and last port, or ICMP type and code. */
  from: string;
  to: string;
  /** With its prefix length: one address. */
  network: string;
  six: boolean;
  /** The number that an ACL's entry must be below; empty when any is right. */
  below: string;
}

function neededOf(step: StepShown): Needed | undefined {
  const match = NEEDED.exec(step.needed);
  if (!match) return undefined;
  const [, direction = "", protocol = "", type, ports = "", peer = "", below = ""] = match;
  const six = peer.includes(":");
  const [from = "", to = from] = ports.split("-");
  return {
    direction,
    protocol,
    from,
    to: type ? "-1" : to,
    network: `${peer}/${six ? 128 : 32}`,
    six,
    below,
  };
}

/** Numbers of the protocols that an ACL's entry is given by. */
const NUMBERS: Record<string, string> = { tcp: "6", udp: "17", icmp: "1", icmpv6: "58" };
/** A number that is rarely taken, where any will do. */
const ANY_NUMBER = 30_000;

/** The command that lets a refused flow pass; undefined where no one command does. */
export function fixCommand(explained: Explained): string | undefined {
  const step = explained.refused_at === null ? undefined : explained.steps[explained.refused_at];
  const needed = step && neededOf(step);
  if (!step || !needed) return undefined;
  const owner = /^[a-z]+-[\da-zA-Z]+/.exec(step.rule)?.[0];
  if (!owner) return undefined;
  return step.station === "security-group" ? groupRule(owner, needed) : aclEntry(owner, needed);
}

function groupRule(groupId: string, needed: Needed): string {
  const ports = needed.from ? [`FromPort=${needed.from}`, `ToPort=${needed.to}`] : [];
  const network = needed.six
    ? `Ipv6Ranges=[{CidrIpv6=${needed.network}}]`
    : `IpRanges=[{CidrIp=${needed.network}}]`;
  const permission = [`IpProtocol=${needed.protocol}`, ...ports, network].join(",");
  return [
    `aws ec2 authorize-security-group-${needed.direction}`,
    `--group-id ${groupId}`,
    `--ip-permissions '${permission}'`,
  ].join(" \\\n  ");
}

function aclEntry(aclId: string, needed: Needed): string {
  const icmp = needed.protocol.startsWith("icmp");
  const number = needed.below ? Math.max(1, Number(needed.below) - 1) : ANY_NUMBER;
  const ports = needed.from && !icmp ? [`--port-range From=${needed.from},To=${needed.to}`] : [];
  const type = icmp ? [`--icmp-type-code Type=${needed.from || "-1"},Code=-1`] : [];
  return [
    "aws ec2 create-network-acl-entry",
    `--network-acl-id ${aclId} --${needed.direction} --rule-number ${number}`,
    `--protocol ${NUMBERS[needed.protocol] ?? needed.protocol} --rule-action allow`,
    ...ports,
    ...type,
    `${needed.six ? "--ipv6-cidr-block" : "--cidr-block"} ${needed.network}`,
  ].join(" \\\n  ");
}

/** The verdict as a sentence, without its first word in capitals. */
export function sentenceOf({ summary, verdict }: Explained): string {
  const text = summary.replace(/^[A-Z]+\b[:,]?\s*/, "");
  const words = text || (verdict === "accept" ? "request and reply get through" : summary);
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}.`.replace(/\.\.$/, ".");
}
