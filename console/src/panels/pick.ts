/** What a click on a chart means as a filter. */
import type { Pick } from "../charts/answer";
import { chipText, joinTerms } from "../filter/terms";
import { addTerm } from "../state/filter";
import { toast } from "../ui/Toast";
import { fieldOf } from "./AnswerTable";

/** Columns of answers that are called otherwise than the field they show. */
const FIELD_OF_COLUMN: Record<string, string> = {
  address: "addr",
  address_a: "addr",
  address_b: "addr",
  peer: "addr",
  host: "addr",
  source: "srcaddr",
  target: "dstaddr",
  top_source: "srcaddr",
  top_target: "dstaddr",
  top_port: "dstport",
  top_protocol: "protocol",
  rule: "reject-rule",
  resource_id: "resource-id",
  traffic_path: "traffic-path",
  pkt_src_aws_service: "pkt-src-aws-service",
  pkt_dst_aws_service: "pkt-dst-aws-service",
};

/** The classes of the question `traffic`, as nearly as a filter can say them. */
const CLASSES: Record<string, string> = {
  rejected: "action = REJECT",
  ingress: "flow-direction = ingress and action = ACCEPT",
  egress: "flow-direction = egress and action = ACCEPT",
};

/** The filter of a click; undefined when the records cannot be filtered by it. */
export function filterOfPick(pick: Pick): string | undefined {
  const parts = [pick, ...(pick.and ?? [])].map(partOf);
  const known = parts.filter((part) => part !== undefined && part !== "") as string[];
  return known.length > 0 ? joinTerms(known) : undefined;
}

function partOf(pick: Pick): string | undefined {
  if (pick.filter !== undefined) return pick.filter;
  if (pick.value === null || pick.value === "" || pick.value === "other") return undefined;
  if (pick.field === "class") return CLASSES[String(pick.value)];
  const field = FIELD_OF_COLUMN[pick.field] ?? fieldOf(pick.field) ?? plainField(pick.field);
  if (!field) return undefined;
  const value = typeof pick.value === "boolean" ? String(pick.value) : pick.value;
  return chipText({ field, operator: pick.op ?? "=", value });
}

/** Fields are written with hyphens; columns that SQL made may be called as it liked. */
function plainField(column: string): string | undefined {
  return /^[a-z][a-z0-9_]*$/.test(column) && column.includes("_")
    ? column.replace(/_/g, "-")
    : undefined;
}

/** Puts what was clicked into the page's filter. */
export function pickToFilter(pick: Pick): void {
  const text = filterOfPick(pick);
  if (text) for (const term of text.split(/ and (?![^(]*\))/)) addTerm(term);
  else toast(`The records cannot be filtered by ${pick.label ?? String(pick.value ?? "this")}`);
}
