import type { FlowLogHead } from "../../api/schema";
import { Pill, type Tone } from "../../ui/State";

export interface FlowLogStatus {
  tone: Tone;
  word: string;
  /** What to know of it, as a sentence; empty when all is well. */
  why: string;
}

/** Delivery further behind than this is told. Units: seconds. */
export const LATE_S = 900;

/** How a flow log does, in a word and a sentence. */
export function statusOf(
  flowLog: Pick<
    FlowLogHead,
    "delivery_status" | "error_message" | "delivered_until_s" | "lag_s" | "lost_records"
  >,
): FlowLogStatus {
  if (flowLog.error_message || flowLog.delivery_status === "FAILED") {
    const what = flowLog.error_message ?? "It cannot deliver";
    return { tone: "crit", word: "Failed", why: `${what}: ${TO_DO[what] ?? TO_DO.other}` };
  }
  if (flowLog.delivered_until_s == null) {
    return { tone: "info", word: "Waiting", why: "Nothing was delivered yet." };
  }
  if (flowLog.lost_records > 0) {
    const count = flowLog.lost_records.toLocaleString("en-US");
    return { tone: "warn", word: "Lost some", why: `${count} records became SKIPDATA on the way.` };
  }
  if ((flowLog.lag_s ?? 0) > LATE_S) {
    return {
      tone: "warn",
      word: "Quiet",
      why: "Nothing new was delivered for a while: it may be late, or there is no traffic.",
    };
  }
  return { tone: "ok", word: "Delivering", why: "" };
}

const TO_DO: Record<string, string> = {
  "Access error": "open it to see what its role or its destination lacks.",
  "Rate limited": "records wait and are delivered later.",
  other: "look whether its destination is there and can be reached.",
};

/** The status of a flow log. */
export function StatusPill({ flowLog }: { flowLog: Parameters<typeof statusOf>[0] }) {
  const { tone, word } = statusOf(flowLog);
  return <Pill tone={tone}>{word}</Pill>;
}

const TRAFFIC: Record<string, [Tone, string]> = {
  ALL: ["plain", "All"],
  ACCEPT: ["info", "Accepted"],
  REJECT: ["crit", "Rejected"],
};

/** Which traffic is logged. */
export function TrafficPill({ type }: { type: string }) {
  const [tone, word] = TRAFFIC[type] ?? ["plain", type];
  return <Pill tone={tone}>{word}</Pill>;
}

const RESOURCES: Record<string, string> = {
  VPC: "VPC",
  Subnet: "subnet",
  NetworkInterface: "interface",
};

/** A kind of resource in words. */
export function resourceWord(type: string): string {
  return RESOURCES[type] ?? type;
}

const DESTINATIONS: Record<string, string> = {
  "cloud-watch-logs": "log group",
  s3: "bucket",
  "kinesis-data-firehose": "delivery stream",
};

/** A kind of destination in words. */
export function destinationWord(type: string): string {
  return DESTINATIONS[type] ?? type;
}
