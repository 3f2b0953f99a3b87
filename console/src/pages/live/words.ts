import type { Tone } from "../../ui/State";
import type { Connection } from "./tail";

/** The state of the connection as a pill, and what to know about it. */
export interface StateWords {
  tone: Tone;
  pill: string;
  told: string;
  /** The word on the button that goes on. */
  action?: string;
}

const BY_STATUS: Record<number, string> = {
  403: "This user may not watch records as they arrive: the action vpcflow:TailFlowRecords is missing.",
  429: "Too many live tails are open at this server; this one begins when another ends.",
  503: "The server cannot show records as they arrive now.",
};

/** How the tail fares, in words. Units: `now` in milliseconds. */
export function stateWords(connection: Connection, held: boolean, now: number): StateWords {
  if (connection.kind === "waiting") {
    const left = Math.max(1, Math.ceil((connection.until - now) / 1000));
    const { status, message } = connection.fault;
    const busy = status === 429 || status === 503;
    return {
      tone: "warn",
      pill: `${busy ? "Waiting" : "Reconnecting"} in ${left} s`,
      told: `${BY_STATUS[status] ?? message} It goes on where it was.`,
      action: "Try now",
    };
  }
  if (connection.kind === "signed-out") {
    const told = "You were signed out. What came before stays here until you sign in again.";
    return { tone: "crit", pill: "Signed out", told, action: "Sign in" };
  }
  if (connection.kind === "refused") {
    const { status, message, hint } = connection.fault;
    const told = BY_STATUS[status] ?? [message, hint].filter(Boolean).join("; ");
    return { tone: "crit", pill: "Stopped", told, action: "Try again" };
  }
  if (held) return { tone: "info", pill: "Paused", told: "" };
  if (connection.kind === "connecting") return { tone: "plain", pill: "Connecting", told: "" };
  return { tone: "ok", pill: "Live", told: "" };
}

/** Seconds until the interval that is metered now ends; undefined where nothing is metered. */
export function secondsToNext(
  capture: { running: boolean; interval_s?: number; interval_opened_s?: number | null } | undefined,
  now_s: number,
): number | undefined {
  if (!capture?.running || !capture.interval_s || capture.interval_opened_s == null) return;
  const since = now_s - capture.interval_opened_s;
  const past = ((since % capture.interval_s) + capture.interval_s) % capture.interval_s;
  return Math.max(1, Math.ceil(capture.interval_s - past));
}
