import type { FlowLogHead } from "../../api/schema";
import { chipText } from "../../filter/terms";

const FIELDS: Record<string, string> = {
  VPC: "vpc-id",
  Subnet: "subnet-id",
  NetworkInterface: "interface-id",
};

/** The filter that shows the records that a flow log delivers. */
export function filterOf(
  flowLog: Pick<FlowLogHead, "resource_type" | "resource_id" | "traffic_type">,
): string {
  const of = (field: string, value: string) =>
    chipText({ field, operator: "=", value, negated: false });
  const resource = of(FIELDS[flowLog.resource_type] ?? "interface-id", flowLog.resource_id);
  if (flowLog.traffic_type === "ALL") return resource;
  return `${resource} and ${of("action", flowLog.traffic_type)}`;
}
