import { expect, test } from "vitest";
import {
  explainPath,
  filterOfConversation,
  filterOfRecord,
  flagsOf,
  parseRecord,
  type RecordKey,
  recordText,
  titleOf,
} from "./record";

const KEY: RecordKey = {
  srcaddr: "2001:db8::1",
  srcport: 443,
  dstaddr: "10.0.0.9",
  dstport: 0,
  protocol: 6,
  start: 1795737598,
  interfaceId: "eni-1",
  action: "REJECT",
};
const NOTHING: RecordKey = {
  ...KEY,
  srcaddr: null,
  dstaddr: null,
  srcport: null,
  dstport: null,
  protocol: null,
  action: null,
};

test("a record survives the address, with a port of 0 and with nothing known", () => {
  expect(parseRecord(recordText(KEY))).toEqual(KEY);
  expect(parseRecord(recordText(NOTHING))).toEqual(NOTHING);
  expect(parseRecord("x,,,,,,,")).toBeUndefined();
  expect(parseRecord("1,2")).toBeUndefined();
});

test("the filter of a record names what is null", () => {
  expect(filterOfRecord(KEY)).toBe(
    "srcaddr = 2001:db8::1 and dstaddr = 10.0.0.9 and srcport = 443 and dstport = 0 and protocol = 6 and interface-id = eni-1 and action = REJECT",
  );
  expect(filterOfRecord(NOTHING)).toContain("srcaddr is null");
  expect(filterOfConversation(KEY)).toBe(
    "addr = 2001:db8::1 and addr = 10.0.0.9 and protocol = 6 and port = 443 and port = 0",
  );
});

test("flags are spelled out; a SYN with its ACK is one", () => {
  expect(flagsOf(0)).toEqual([]);
  expect(flagsOf(2).map(({ name }) => name)).toEqual(["SYN"]);
  expect(flagsOf(19).map(({ name }) => name)).toEqual(["SYN-ACK", "FIN"]);
});

test("titles and the way to Explain", () => {
  expect(titleOf(KEY)).toBe("[2001:db8::1]:443 → 10.0.0.9:0");
  expect(titleOf(NOTHING)).toBe("No traffic seen at eni-1");
  expect(explainPath(KEY)).toBe(
    "/explain?source=2001%3Adb8%3A%3A1&destination=10.0.0.9&protocol=6&sport=443&dport=0",
  );
});
