import { useEffect } from "react";
import { busy } from "../api/queue";
import { useUrlParam } from "./location";
import { createStore } from "./store";

/** Refresh intervals that one may choose, in seconds; 0 is off. */
export const REFRESH_CHOICES = [0, 10, 30, 60, 300] as const;

const offset = createStore(0);
const moment = createStore(nowOfServer());
/** Counts refreshes, so that answers of fixed ranges are asked anew as well. */
const refreshes = createStore(0);

function nowOfServer(): number {
  return Date.now() / 1000 + offset.get();
}

/** Takes over the server's clock. Units: seconds since the epoch. */
export function setServerClock(clock_s: number): void {
  const next = clock_s - Date.now() / 1000;
  if (Math.abs(next - offset.get()) < 2) return;
  offset.set(next);
  moment.set(nowOfServer());
}

/** The server's time, now. Units: seconds since the epoch. */
export function serverNow(): number {
  return nowOfServer();
}

/** The moment that relative ranges count from; it moves with each refresh only. */
export function useMoment(): number {
  return moment.use();
}

/** Moves relative ranges up to now and asks every answer anew. */
export function refreshNow(): void {
  moment.set(nowOfServer());
  refreshes.set(refreshes.get() + 1);
}

/** Moves relative ranges up to now, without asking fixed ranges anew. */
export function touchMoment(): void {
  moment.set(nowOfServer());
}

/** A number that changes with each refresh. */
export function useRefreshes(): number {
  return refreshes.use();
}

/** The refresh interval in the address, in seconds (0 is off), and its setter. */
export function useRefresh(): [number, (seconds: number) => void] {
  const [text, set] = useUrlParam("refresh", "0");
  const seconds = Number(text);
  const known = (REFRESH_CHOICES as readonly number[]).includes(seconds) ? seconds : 0;
  return [known, (next) => set(String(next), { replace: true })];
}

/** How often it is looked whether a refresh is due. */
const DUE_MS = 500;

/** Runs the refresh timer; used once, by the app. Hidden pages do not refresh. */
export function useRefreshTimer(): void {
  const [seconds] = useRefresh();
  useEffect(() => {
    if (!seconds) return;
    let last = Date.now();
    const timer = window.setInterval(() => {
      // Asking anew gives up what is on its way: answers slower than the interval would never come.
      if (document.hidden || busy() || Date.now() - last < seconds * 1000) return;
      last = Date.now();
      refreshNow();
    }, DUE_MS);
    return () => window.clearInterval(timer);
  }, [seconds]);
}

/** The moment that relative ranges count from, outside of components. */
export function currentMoment(): number {
  return moment.get();
}
