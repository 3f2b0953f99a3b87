// biome-ignore-all lint/suspicious/noTemplateCurlyInString: log formats are written so
import { expect, test } from "vitest";
import { createCommand, quoted } from "../flowLogs/commands";
import { gapsOf, newDraft, orderOf, partOf } from "./draft";
import { aroundFault, fieldsOf, formatOf, moved, tagOwnersOf } from "./format";

test("a resource in the address is chosen, with its kind", () => {
  expect(newDraft("subnet-1")).toMatchObject({ kind: "subnet", resources: ["subnet-1"] });
  expect(newDraft("sg-1")).toMatchObject({ kind: "vpc", resources: [] });
});

test("a bucket and its folder make an ARN, and no role is sent with them", () => {
  const draft = { ...newDraft("vpc-1"), destination: "s3" as const, role: "arn:aws:iam::1:role/r" };
  const order = orderOf({ ...draft, bucket: " logs ", folder: "/a/b/", parquet: true });
  expect(order).toMatchObject({
    destination: "arn:aws:s3:::logs/a/b",
    role_arn: null,
    options: { parquet: true, hive_compatible_partitions: false, per_hour_partition: false },
  });
  expect(orderOf({ ...draft, bucket: "arn:aws:s3:::other" }).destination).toBe(
    "arn:aws:s3:::other",
  );
});

test("what is missing is named with its step", () => {
  expect(gapsOf(newDraft()).map((gap) => gap.part)).toEqual(["resources", "destination", "role"]);
  const whole = { ...newDraft("vpc-1"), group: "g", role: "arn:aws:iam::1:role/r" };
  expect(gapsOf(whole)).toEqual([]);
  expect(gapsOf({ ...whole, custom: true, format: " " })[0]?.part).toBe("format");
  const tagged = { ...whole, custom: true, format: "${instance-tag} ${instance-tag-2}" };
  expect(gapsOf({ ...tagged, tagFields: { instance: ["Name"] } })[0]?.text).toContain("2 tag key");
  expect(gapsOf({ ...tagged, tagFields: { instance: ["Name", "Team"] } })).toEqual([]);
  expect(gapsOf({ ...whole, tags: [{ key: "", value: "x" }] })[0]?.part).toBe("tags");
});

test("tag keys of fields that are gone are not sent", () => {
  const draft = { ...newDraft("vpc-1"), custom: true, tagFields: { instance: ["Name"] } };
  expect(orderOf({ ...draft, format: "${srcaddr}" }).tag_fields).toEqual({});
  expect(orderOf({ ...draft, format: "${instance-tag}" }).tag_fields).toEqual({
    instance: ["Name"],
  });
});

test("a format and its fields follow one another, also half typed", () => {
  expect(fieldsOf("${version} ${srcaddr} ${dst")).toEqual(["version", "srcaddr"]);
  expect(formatOf(["a", "b-c"])).toBe("${a} ${b-c}");
  expect(moved(["a", "b", "c"], 0, 2)).toEqual(["b", "c", "a"]);
  expect(moved(["a", "b", "c"], 2, -5)).toEqual(["c", "a", "b"]);
  expect([...tagOwnersOf("${asg-tag-2} ${interface-tag}")]).toEqual([
    ["auto-scaling-group", 2],
    ["network-interface", 1],
  ]);
});

test("a fault is drawn at its token, also at the end", () => {
  expect(aroundFault("${a} ${nope} ${b}", 5)).toEqual(["${a} ", "${nope}", " ${b}"]);
  expect(aroundFault("${a} ${dst", 5)).toEqual(["${a} ", "${dst", ""]);
  expect(aroundFault("${a}", 99)).toEqual(["${a}", " ", ""]);
});

test("the command of the AWS CLI survives a shell", () => {
  expect(quoted("it's")).toBe("'it'\\''s'");
  const draft = { ...newDraft("eni-1"), group: "/vpc/my flows", role: "arn:aws:iam::1:role/r" };
  const order = orderOf({ ...draft, custom: true, format: "${srcaddr}" });
  const command = createCommand(order, { url: "http://127.0.0.1:4600", region: "eu-west-1" });
  expect(command).toContain("--resource-type NetworkInterface");
  expect(command).toContain("--log-group-name '/vpc/my flows'");
  expect(command).toContain("--log-format '${srcaddr}'");
  expect(command).toContain("--endpoint-url http://127.0.0.1:4600");
  const group = { ...order, destination: "arn:aws:logs:eu-west-1:1:log-group:g" };
  expect(createCommand(group)).toContain("--log-destination arn:aws:logs");
});

test("the server's word for what is wrong leads to a step", () => {
  expect([partOf("role_arn"), partOf("resource_ids"), partOf("options"), partOf("")]).toEqual([
    "role",
    "resources",
    "destination",
    undefined,
  ]);
  expect(partOf("LogDestination: no-such-bucket does not exist")).toBe("destination");
});
