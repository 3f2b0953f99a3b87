/** Interfaces as the page shows them: what is set up, and what was seen of it. */
import type { InterfaceShown, InterfacesShown, InterfaceTraffic } from "../../api/schema";
import { type Network, nameOf } from "../../network/network";

export interface InterfaceRow extends InterfaceTraffic {
  /** As it is set up; undefined when it is in records alone. */
  setUp: InterfaceShown | undefined;
  vpc: string;
  subnet: string;
  addresses: string[];
  /** Minutes seen of those expected, from 0 to 1; null without records. */
  seen: number | null;
}

/** A gap shorter than this is a pause, not a gap. Units: seconds. */
export const GAP_LEAST_S = 300;

export const KINDS = ["all", "uncovered", "gaps", "unlisted", "silent"] as const;
export type Kind = (typeof KINDS)[number];

/** What the API says of interfaces, with their names and addresses. */
export function rowsOf(shown: InterfacesShown | undefined, network: Network): InterfaceRow[] {
  return (shown?.interfaces ?? []).map((one) => {
    const setUp = network.interfaces.get(one.interface_id);
    const { minutes_seen: seen, minutes_expected: expected } = one;
    return {
      ...one,
      setUp,
      vpc: nameOf(network, one.vpc_id),
      subnet: nameOf(network, one.subnet_id),
      addresses: setUp?.addresses.length ? setUp.addresses : one.address ? [one.address] : [],
      seen: seen !== null && expected ? Math.min(1, seen / expected) : null,
    };
  });
}

export const hasGap = (row: InterfaceTraffic): boolean => (row.longest_gap_s ?? 0) >= GAP_LEAST_S;

/** Whether a row is of a kind. */
export function isOf(kind: Kind, row: InterfaceRow): boolean {
  switch (kind) {
    case "uncovered":
      return row.known && !row.covered;
    case "gaps":
      return hasGap(row);
    case "unlisted":
      return !row.known;
    case "silent":
      return row.records === 0;
    default:
      return true;
  }
}

/** Whether all words of a search are in a row's names, ids or addresses. */
export function matches(row: InterfaceRow, search: string): boolean {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return true;
  const own = [
    row.name,
    row.interface_id,
    row.vpc,
    row.vpc_id,
    row.subnet,
    row.subnet_id,
    row.setUp?.device,
    row.setUp?.instance_id,
    ...row.addresses,
    ...row.flow_logs,
  ]
    .join(" ")
    .toLowerCase();
  return words.every((word) => own.includes(word));
}
