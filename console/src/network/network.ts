/** VPCs, subnets and interfaces as they are set up, found by id. */
import { useMemo } from "react";
import { type Asked, useJson } from "../api/hooks";
import type {
  InterfaceShown,
  NamedThing,
  NetworkShown,
  SubnetShown,
  VpcShown,
} from "../api/schema";

export interface Network {
  vpcs: ReadonlyMap<string, VpcShown>;
  subnets: ReadonlyMap<string, SubnetShown>;
  interfaces: ReadonlyMap<string, InterfaceShown>;
  names: Readonly<Record<string, NamedThing>>;
  /** All there are; more than `interfaces` holds where there are very many. */
  interfacesTotal: number;
}

/** The networks that are known; without an inventory all is empty. */
export function useNetwork(): { network: Network; asked: Asked<NetworkShown> } {
  const asked = useJson<NetworkShown>("/network");
  const network = useMemo(() => networkOf(asked.data), [asked.data]);
  return { network, asked };
}

/** What the API says of the network, by id. */
export function networkOf(shown: NetworkShown | undefined): Network {
  return {
    vpcs: new Map(shown?.vpcs.map((one) => [one.vpc_id, one])),
    subnets: new Map(shown?.subnets.map((one) => [one.subnet_id, one])),
    interfaces: new Map(shown?.interfaces.map((one) => [one.interface_id, one])),
    names: shown?.names ?? {},
    interfacesTotal: shown?.interfaces_total ?? 0,
  };
}

/** What a VPC, subnet, interface or group is called; its id when it has no name. */
export function nameOf(network: Network, id: string | null | undefined): string {
  if (!id) return "";
  const thing =
    network.vpcs.get(id)?.name ?? network.subnets.get(id)?.name ?? network.interfaces.get(id)?.name;
  return thing || network.names[id]?.name || id;
}

/** Records of any of these networks. Shape: empty without networks. */
export function cidrFilter(cidrs: readonly string[]): string {
  const [first, ...more] = cidrs;
  if (!first) return "";
  return more.length ? `addr in (${cidrs.join(", ")})` : `addr in ${first}`;
}
