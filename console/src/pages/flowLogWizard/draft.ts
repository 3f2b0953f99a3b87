import type { FlowLogOrder, NetworkShown } from "../../api/schema";
import { tagOwnersOf } from "./format";

export type Kind = "vpc" | "subnet" | "eni";
export type TrafficType = "ALL" | "ACCEPT" | "REJECT";
export type DestinationType = "cloud-watch-logs" | "s3" | "kinesis-data-firehose";

/** What the wizard holds, as it is typed. */
export interface Draft {
  kind: Kind;
  resources: string[];
  traffic: TrafficType;
  destination: DestinationType;
  group: string;
  bucket: string;
  folder: string;
  parquet: boolean;
  hive: boolean;
  perHour: boolean;
  stream: string;
  role: string;
  crossRole: string;
  /** Empty for AWS's default. */
  format: string;
  custom: boolean;
  interval: 60 | 600;
  tags: { key: string; value: string }[];
  /** Keys of the tags that tag fields show, by resource type. */
  tagFields: Record<string, string[]>;
}

/** A draft with nothing chosen but a resource from the address. */
export function newDraft(resource = ""): Draft {
  const kind = kindOf(resource);
  return {
    kind: kind ?? "vpc",
    resources: kind ? [resource] : [],
    traffic: "ALL",
    destination: "cloud-watch-logs",
    group: "",
    bucket: "",
    folder: "",
    parquet: false,
    hive: false,
    perHour: false,
    stream: "",
    role: "",
    crossRole: "",
    format: "",
    custom: false,
    interval: 60,
    tags: [],
    tagFields: {},
  };
}

/** The kind of a resource, by its id; undefined when it is none that can be logged. */
export function kindOf(id: string): Kind | undefined {
  const word = id.split("-")[0];
  return word === "vpc" || word === "subnet" || word === "eni" ? word : undefined;
}

function destinationOf(draft: Draft): string {
  if (draft.destination === "cloud-watch-logs") return draft.group.trim();
  if (draft.destination === "kinesis-data-firehose") return draft.stream.trim();
  const bucket = draft.bucket.trim();
  if (!bucket) return "";
  const folder = draft.folder.trim().replace(/^\/+|\/+$/g, "");
  const arn = bucket.startsWith("arn:") ? bucket : `arn:aws:s3:::${bucket}`;
  return folder ? `${arn}/${folder}` : arn;
}

/** What is sent to the server. */
export function orderOf(draft: Draft): FlowLogOrder {
  const needsRole = draft.destination === "cloud-watch-logs";
  const firehose = draft.destination === "kinesis-data-firehose";
  const format = draft.custom ? draft.format.trim() : "";
  const owners = tagOwnersOf(format);
  const tags = draft.tags.filter(({ key }) => key.trim());
  return {
    resource_ids: draft.resources,
    traffic_type: draft.traffic,
    destination_type: draft.destination,
    destination: destinationOf(draft),
    role_arn: (needsRole || firehose) && draft.role.trim() ? draft.role.trim() : null,
    cross_account_role_arn: firehose && draft.crossRole.trim() ? draft.crossRole.trim() : null,
    log_format: format || null,
    interval_s: draft.interval,
    options:
      draft.destination === "s3"
        ? {
            parquet: draft.parquet,
            hive_compatible_partitions: draft.hive,
            per_hour_partition: draft.perHour,
          }
        : null,
    tag_fields: Object.fromEntries(
      Object.entries(draft.tagFields)
        .filter(([owner]) => owners.has(owner))
        .map(([owner, keys]) => [owner, keys.map((key) => key.trim()).filter(Boolean)]),
    ),
    tags: Object.fromEntries(tags.map(({ key, value }) => [key.trim(), value])),
  };
}

/** One thing that is missing or wrong; `part` is the id of the step's fieldset. */
export interface Gap {
  part: Part;
  text: string;
}

export type Part = "resources" | "traffic" | "destination" | "role" | "format" | "tags";

/** What must be filled in before a flow log can be made. */
export function gapsOf(draft: Draft): Gap[] {
  const order = orderOf(draft);
  const gaps: Gap[] = [];
  if (!order.resource_ids.length) {
    gaps.push({ part: "resources", text: "Choose at least one resource." });
  }
  if (!order.destination) {
    const what = {
      "cloud-watch-logs": "Name a log group.",
      s3: "Choose a bucket.",
      "kinesis-data-firehose": "Choose a delivery stream.",
    };
    gaps.push({ part: "destination", text: what[draft.destination] });
  }
  if (draft.destination === "cloud-watch-logs" && !order.role_arn) {
    gaps.push({ part: "role", text: "Choose the role that delivers." });
  }
  if (draft.custom && !draft.format.trim()) {
    gaps.push({ part: "format", text: "Add at least one field to the format." });
  }
  for (const [owner, count] of tagOwnersOf(draft.custom ? draft.format : "")) {
    if ((order.tag_fields?.[owner]?.length ?? 0) !== count) {
      const what = count === 1 ? "the tag key" : `${count} tag keys`;
      gaps.push({ part: "format", text: `Name ${what} of ${owner}.` });
    }
  }
  if (draft.tags.some(({ key, value }) => !key.trim() && value.trim())) {
    gaps.push({ part: "tags", text: "Give each tag a key." });
  }
  return gaps;
}

const PARTS: Record<string, Part> = {
  resource_ids: "resources",
  traffic_type: "traffic",
  destination: "destination",
  destination_type: "destination",
  options: "destination",
  role_arn: "role",
  cross_account_role_arn: "role",
  log_format: "format",
  tag_fields: "format",
  interval_s: "traffic",
  tags: "tags",
  // What AWS calls them, as refusals of a single resource begin.
  LogDestination: "destination",
  LogGroupName: "destination",
  DeliverLogsPermissionArn: "role",
  DeliverCrossAccountRole: "role",
  LogFormat: "format",
};

/** The step that the server's `where` is about. */
export function partOf(where: string): Part | undefined {
  return PARTS[where.split(/[.[:]/)[0] ?? ""];
}

/** How many interfaces the chosen resources hold now. */
export function interfacesOf(draft: Pick<Draft, "resources">, network: NetworkShown): number {
  const chosen = new Set(draft.resources);
  const within = network.interfaces.filter(
    (one) => chosen.has(one.vpc_id) || chosen.has(one.subnet_id) || chosen.has(one.interface_id),
  ).length;
  if (network.interfaces.length === network.interfaces_total) return within;
  const counts = [...network.vpcs, ...network.subnets].filter((one) =>
    chosen.has("subnets" in one ? one.vpc_id : one.subnet_id),
  );
  return Math.max(
    within,
    counts.reduce((sum, one) => sum + one.interfaces, 0),
  );
}
