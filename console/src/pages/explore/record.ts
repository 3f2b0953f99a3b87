import type { Answer, Cell } from "../../api/types";
import { chipText, joinTerms } from "../../filter/terms";

/** What tells one flow record from others, so that an address can hold it. Units: `start` in epoch seconds. */
export interface RecordKey {
  srcaddr: string | null;
  srcport: number | null;
  dstaddr: string | null;
  dstport: number | null;
  protocol: number | null;
  start: number;
  interfaceId: string | null;
  action: string | null;
}

/** Fields that a table of records needs so that a row can be opened. */
export const KEY_FIELDS = [
  "start",
  "srcaddr",
  "srcport",
  "dstaddr",
  "dstport",
  "protocol",
  "interface-id",
  "action",
  "log-status",
];

type Reads = (column: string) => Cell | undefined;

/** The key of a row; undefined when the row does not say when it began. */
export function keyOfRow(read: Reads): RecordKey | undefined {
  const start = read("start");
  if (typeof start !== "number") return undefined;
  return {
    srcaddr: textOf(read("srcaddr")),
    srcport: numberOf(read("srcport")),
    dstaddr: textOf(read("dstaddr")),
    dstport: numberOf(read("dstport")),
    protocol: numberOf(read("protocol")),
    start,
    interfaceId: textOf(read("interface_id")),
    action: textOf(read("action")),
  };
}

/** The key of a row of an answer. */
export function keyOfAnswer(answer: Answer, row: number): RecordKey | undefined {
  return keyOfRow((column) => answer.data[column]?.[row]);
}

function textOf(value: Cell | undefined): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

function numberOf(value: Cell | undefined): number | null {
  if (typeof value === "number") return value;
  return typeof value === "string" && /^\d{1,10}$/.test(value) ? Number(value) : null;
}

/** A key as it stands in the address. */
export function recordText(key: RecordKey): string {
  const { srcaddr, srcport, dstaddr, dstport, protocol, start, interfaceId, action } = key;
  return [start, srcaddr, srcport, dstaddr, dstport, protocol, interfaceId, action]
    .map((part) => part ?? "")
    .join(",");
}

/** The key that an address holds; undefined when it is none. */
export function parseRecord(text: string): RecordKey | undefined {
  const parts = text.split(",");
  if (parts.length !== 8 || !/^\d{1,11}$/.test(parts[0] ?? "")) return undefined;
  return keyOfRow((column) => {
    const place = COLUMNS.indexOf(column);
    return column === "start" ? Number(parts[0]) : parts[place];
  });
}

const COLUMNS = [
  "start",
  "srcaddr",
  "srcport",
  "dstaddr",
  "dstport",
  "protocol",
  "interface_id",
  "action",
];

/** The filter that finds the record of a key. */
export function filterOfRecord(key: RecordKey): string {
  return joinTerms([
    ...tupleTerms(key),
    chipText({ field: "interface-id", operator: "=", value: key.interfaceId }),
    chipText({ field: "action", operator: "=", value: key.action }),
  ]);
}

function tupleTerms(key: RecordKey): string[] {
  const term = (field: string, value: string | number | null) =>
    chipText({ field, operator: "=", value });
  return [
    term("srcaddr", key.srcaddr),
    term("dstaddr", key.dstaddr),
    term("srcport", key.srcport),
    term("dstport", key.dstport),
    term("protocol", key.protocol),
  ];
}

/** The filter of both halves of the conversation that a record belongs to. */
export function filterOfConversation(key: RecordKey): string {
  const terms = [
    `addr = ${key.srcaddr}`,
    `addr = ${key.dstaddr}`,
    chipText({ field: "protocol", operator: "=", value: key.protocol }),
  ];
  if (key.srcport !== null) terms.push(`port = ${key.srcport}`);
  if (key.dstport !== null) terms.push(`port = ${key.dstport}`);
  return joinTerms(terms);
}

/** Whether a record is of traffic: one of NODATA or SKIPDATA has no ends. */
export function isTraffic(key: RecordKey): boolean {
  return key.srcaddr !== null && key.dstaddr !== null && key.protocol !== null;
}

/** The two ends and the protocol in a line. */
export function titleOf(key: RecordKey): string {
  if (!isTraffic(key)) return `No traffic seen at ${key.interfaceId ?? "an interface"}`;
  return `${endText(key.srcaddr, key.srcport)} → ${endText(key.dstaddr, key.dstport)}`;
}

/** An address and its port as one writes them. */
export function endText(address: string | null, port: number | null): string {
  if (port === null) return address ?? "";
  return address?.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

const FLAGS: [number, string, string][] = [
  [1, "FIN", "one side ended its half"],
  [2, "SYN", "a side asked to connect"],
  [4, "RST", "the connection was broken off"],
  [8, "PSH", "data for the program at once"],
  [16, "ACK", "something was acknowledged"],
  [32, "URG", "urgent data"],
  [64, "ECE", "the path is congested"],
  [128, "CWR", "the sender slowed down"],
];

/** TCP flags spelled out, each with what it means. */
export function flagsOf(value: number): { name: string; means: string }[] {
  const found = FLAGS.filter(([bit]) => value & bit).map(([, name, means]) => ({ name, means }));
  // AWS writes a SYN with its acknowledgement as 18; the words are those people know.
  if ((value & 18) === 18) {
    const rest = found.filter(({ name }) => name !== "SYN" && name !== "ACK");
    return [{ name: "SYN-ACK", means: "the other side agreed to connect" }, ...rest];
  }
  return found;
}

/** The address of Explain with the five-tuple of a record. */
export function explainPath(key: RecordKey): string {
  const query = new URLSearchParams({
    source: key.srcaddr ?? "",
    destination: key.dstaddr ?? "",
    protocol: String(key.protocol ?? ""),
  });
  if (key.srcport !== null) query.set("sport", String(key.srcport));
  if (key.dstport !== null) query.set("dport", String(key.dstport));
  return `/explain?${query}`;
}

/** 1 packet, 3 packets. */
export function countOf(count: string, one: string): string {
  return `${count} ${count === "1" ? one : `${one}s`}`;
}
