import type { FlowLogOrder } from "../../api/schema";

/** Where the AWS endpoint is, for commands. */
export interface Endpoint {
  url: string;
  region: string;
}

/** A text as one word of a shell. */
export function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replace(/'/g, "'\\''")}'`;
}

/** A command of several options, one a line. */
function lines(first: string, options: [string, string | undefined][]): string {
  const given = options.filter(([, value]) => value !== undefined);
  return [first, ...given.map(([name, value]) => `  ${name}${value ? ` ${value}` : ""}`)].join(
    " \\\n",
  );
}

function tail(endpoint: Endpoint | undefined): [string, string | undefined][] {
  return [
    ["--endpoint-url", endpoint?.url || undefined],
    ["--region", endpoint?.region || undefined],
  ];
}

const TYPES: Record<string, string> = { vpc: "VPC", subnet: "Subnet", eni: "NetworkInterface" };

/** AWS's word for the kind of a resource, by its id. */
export function resourceTypeOf(id: string): string {
  return TYPES[id.split("-")[0] ?? ""] ?? "VPC";
}

/** An order as a command of the AWS CLI. */
export function createCommand(order: FlowLogOrder, endpoint?: Endpoint): string {
  const group = order.destination_type === "cloud-watch-logs";
  const named = group && !(order.destination ?? "").startsWith("arn:");
  const tags = Object.entries(order.tags ?? {});
  const owners = Object.entries(order.tag_fields ?? {});
  const { options } = order;
  const ids = order.resource_ids.length ? order.resource_ids.map(quoted).join(" ") : "RESOURCE_ID";
  const destination = order.destination ? quoted(order.destination) : "DESTINATION";
  return lines("aws ec2 create-flow-logs", [
    ["--resource-type", resourceTypeOf(order.resource_ids[0] ?? "")],
    ["--resource-ids", ids],
    ["--traffic-type", order.traffic_type],
    ["--log-destination-type", group ? undefined : order.destination_type],
    [named ? "--log-group-name" : "--log-destination", destination],
    ["--deliver-logs-permission-arn", order.role_arn ? quoted(order.role_arn) : undefined],
    [
      "--deliver-cross-account-role",
      order.cross_account_role_arn ? quoted(order.cross_account_role_arn) : undefined,
    ],
    ["--log-format", order.log_format ? quoted(order.log_format) : undefined],
    ["--max-aggregation-interval", order.interval_s ? String(order.interval_s) : undefined],
    [
      "--destination-options",
      options
        ? `FileFormat=${options.parquet ? "parquet" : "plain-text"},HiveCompatiblePartitions=${options.hive_compatible_partitions},PerHourPartition=${options.per_hour_partition}`
        : undefined,
    ],
    [
      "--tag-field-specifications",
      owners.length
        ? quoted(
            JSON.stringify(owners.map(([owner, keys]) => ({ ResourceType: owner, TagKeys: keys }))),
          )
        : undefined,
    ],
    [
      "--tag-specifications",
      tags.length
        ? quoted(
            JSON.stringify([
              {
                ResourceType: "vpc-flow-log",
                Tags: tags.map(([Key, Value]) => ({ Key, Value })),
              },
            ]),
          )
        : undefined,
    ],
    ...tail(endpoint),
  ]);
}

/** Shows one flow log. */
export function describeCommand(id: string, endpoint?: Endpoint): string {
  return lines("aws ec2 describe-flow-logs", [["--flow-log-ids", id], ...tail(endpoint)]);
}

/** Deletes one flow log. */
export function deleteCommand(id: string, endpoint?: Endpoint): string {
  return lines("aws ec2 delete-flow-logs", [["--flow-log-ids", id], ...tail(endpoint)]);
}

/** Reads what was delivered back. */
export function readCommand(
  destination: { type: string; name: string; folder?: string },
  endpoint?: Endpoint,
): string | undefined {
  if (destination.type === "cloud-watch-logs") {
    return lines("aws logs filter-log-events", [
      ["--log-group-name", quoted(destination.name)],
      ["--max-items", "20"],
      ...tail(endpoint),
    ]);
  }
  if (destination.type !== "s3") return undefined;
  const place = `s3://${destination.name}/${destination.folder ?? ""}`;
  return lines(`aws s3 ls --recursive ${quoted(place)}`, tail(endpoint));
}

/** Makes the role that delivers. Shape: documents as the check gives them. */
export function roleCommands(
  name: string,
  trust: unknown,
  permissions: unknown,
  endpoint?: Endpoint,
): string {
  return [
    lines("aws iam create-role", [
      ["--role-name", quoted(name)],
      ["--assume-role-policy-document", quoted(JSON.stringify(trust))],
      ...tail(endpoint),
    ]),
    lines("aws iam put-role-policy", [
      ["--role-name", quoted(name)],
      ["--policy-name", "deliver-flow-logs"],
      ["--policy-document", quoted(JSON.stringify(permissions))],
      ...tail(endpoint),
    ]),
  ].join("\n");
}
