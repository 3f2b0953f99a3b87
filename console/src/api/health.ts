import { createStore } from "../state/store";
import { forgetWith } from "./answerCache";
import { getJson, session } from "./client";

/** What the shell reads of GET /health. */
export interface Health {
  status: "ok" | "warning" | "critical";
  capture: { running: boolean; interval_s?: number; interval_opened_s?: number | null };
  records: { rows: number; bytes: number; first_s: number | null; last_s: number | null };
}

/** What GET /health said last; the shell asks for it every few seconds. */
export const health = createStore<Health | undefined>(undefined);
/** Whether it was asked for, with or without success. */
export const healthAsked = createStore(false);
/** Records taken in a second, from the last two answers. */
export const recordRate = createStore<number | undefined>(undefined);

let before: { at: number; rows: number } | undefined;

forgetWith(() => {
  before = undefined;
  health.set(undefined);
  healthAsked.set(false);
  recordRate.set(undefined);
});

/** Asks how the server fares and keeps the answer. Errors: Fault. */
export async function loadHealth(): Promise<void> {
  const found = await getJson<Health>("/health", {}, { priority: () => 0 }).catch((error) => {
    healthAsked.set(true);
    throw error;
  });
  if (!session.get()?.signed_in) return;
  const now = { at: Date.now() / 1000, rows: found.records.rows };
  if (before && now.at > before.at) {
    recordRate.set(Math.max(0, (now.rows - before.rows) / (now.at - before.at)));
  }
  before = now;
  health.set(found);
  healthAsked.set(true);
}

/** First and last start in the table. Units: seconds since the epoch. */
export interface Extent {
  first: number;
  last: number;
}

/** The time that the table has records of; undefined while unknown or empty. */
export function useExtent(): Extent | undefined {
  const records = health.use()?.records;
  if (records?.first_s == null || records.last_s == null) return undefined;
  return { first: records.first_s, last: records.last_s };
}
