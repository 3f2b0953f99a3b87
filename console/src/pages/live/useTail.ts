import { useEffect, useState, useSyncExternalStore } from "react";
import { reachable } from "../../api/client";
import type { StreamOptions } from "./stream";
import { LiveTail } from "./tail";

/** The tail of this page, following what is asked; the caller is drawn again when it changes. */
export function useTail({ filter, fields, rate }: StreamOptions): LiveTail {
  const [tail] = useState(() => new LiveTail());
  const online = reachable.use();
  useSyncExternalStore(tail.subscribe, tail.snapshot);
  useEffect(() => {
    tail.follow({ filter, fields, rate });
  }, [tail, filter, fields, rate]);
  useEffect(() => () => tail.close(), [tail]);
  useEffect(() => {
    // Another request reached the server again: no need to wait for the next try.
    if (online && tail.connection.kind === "waiting" && tail.connection.fault.status === 0) {
      tail.again();
    }
  }, [tail, online]);
  return tail;
}

/** A moment that moves each second. Units: milliseconds since the epoch. */
export function useSecond(): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = window.setInterval(() => setNow(Date.now()), 1000);
    return () => window.clearInterval(timer);
  }, []);
  return now;
}
