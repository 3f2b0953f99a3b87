import type { Fault } from "../../api/fault";
import { faultOf } from "../../api/fault";
import type { ServerEvent } from "./events";
import { ArrivalRates } from "./rates";
import { type RecordPage, ROWS_MAX, RowRing } from "./ring";
import { type Connect, readStream, type StreamOptions } from "./stream";

/** Rows that wait while the reader holds the table; more wait at the server. */
export const HELD_MAX = 20_000;
/** Rows from before that a new tail begins with. */
const BACKLOG = 200;
/** Waits between tries, the last again and again. Units: milliseconds. */
const BACKOFF_MS = [1_000, 2_000, 4_000, 8_000, 15_000];
/** After a refusal for want of room. */
const BUSY_MS = 15_000;
/** The table is drawn at most so often; less often while nobody could read what comes. */
const DRAW_MS = 100;
const DRAW_MANY_MS = 250;
/** New rows are marked for so long, and only when they are few enough to be seen. */
const FRESH_MS = 1_500;
const FRESH_ROWS_MAX = 60;
/** Before the first record, gaps are looked for in this time: the server keeps no more. */
const KEPT_S = 900;

export type Connection =
  | { kind: "connecting" | "live" | "full" | "signed-out" }
  | { kind: "waiting"; until: number; fault: Fault }
  | { kind: "refused"; fault: Fault };

/** Batches that were never shown. Units: seconds since the epoch; `to` is null until known. */
export interface Gap {
  batches: number;
  from: number;
  to: number | null;
  /** Whether the reader chose to skip them. */
  chosen: boolean;
}

/** A tail of arriving records: the connection, what came, and what is held back. */
export class LiveTail {
  readonly ring = new RowRing(ROWS_MAX);
  readonly rates = new ArrivalRates();
  connection: Connection = { kind: "connecting" };
  /** Batches that the server has and this tail has not read. */
  waiting = 0;
  held = false;
  heldRows = 0;
  gap: Gap | null = null;
  /** Rows from here on came just now. */
  freshFrom = 0;
  /** Counts rows since the page was opened; never set back. */
  received = 0;
  private heldPages: RecordPage[] = [];
  private options: StreamOptions | null = null;
  private position = "";
  private newest = 0;
  private lastPage = 0;
  /** Whether what comes is new, and not from before the tail began. */
  private counting = false;
  private backlog = 0;
  private failures = 0;
  private stop = new AbortController();
  private retry = 0;
  private draw = 0;
  private fresh = 0;
  private version = 0;
  private listeners = new Set<() => void>();

  constructor(private readonly connect?: Connect) {}

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Changes whenever the tail is to be drawn again. */
  snapshot = (): number => this.version;

  /** Follows; another filter begins anew, other fields or rates go on where the tail is. */
  follow(options: StreamOptions): void {
    if (this.options && this.options.filter !== options.filter) this.begin();
    this.options = options;
    this.open();
  }

  /** Holds the table still; what comes waits, up to a bound in the browser, then at the server. */
  hold(on: boolean): void {
    if (this.held === on) return;
    this.held = on;
    if (!on) {
      for (const page of this.heldPages) this.ring.push(page);
      this.dropHeld();
      if (this.connection.kind === "full") this.open();
    }
    this.changed(true);
  }

  /** Empties the table and goes on. */
  clear(): void {
    this.ring.clear();
    this.dropHeld();
    this.gap = null;
    this.freshFrom = 0;
    if (this.connection.kind === "full") this.open();
    this.changed(true);
  }

  /** Leaves out what waits and goes on with the newest. */
  jump(): void {
    this.tellGap(Math.max(1, this.waiting), true);
    this.position = "";
    this.waiting = 0;
    this.open();
  }

  /** Tries again now. */
  again(): void {
    const { kind } = this.connection;
    if (kind === "waiting" || kind === "refused") this.open();
  }

  dismissGap(): void {
    this.gap = null;
    this.changed(true);
  }

  close(): void {
    this.stop.abort();
    window.clearTimeout(this.retry);
    window.clearTimeout(this.draw);
    window.clearTimeout(this.fresh);
    this.draw = 0;
  }

  private begin(): void {
    this.position = "";
    this.waiting = 0;
    this.failures = 0;
    this.newest = 0;
    this.ring.clear();
    this.dropHeld();
    this.gap = null;
    this.freshFrom = 0;
  }

  private open(): void {
    const options = this.options;
    if (!options) return;
    this.stop.abort();
    window.clearTimeout(this.retry);
    const stop = new AbortController();
    this.stop = stop;
    this.set({ kind: "connecting" });
    this.counting = this.position !== "";
    this.backlog = BACKLOG;
    const asked = { ...options, position: this.position, backlog: this.counting ? 0 : BACKLOG };
    const take = (event: ServerEvent) => {
      // Events of a stream that was given up must not move the position of the next.
      if (!stop.signal.aborted) this.take(event);
    };
    readStream(asked, stop.signal, take, this.connect).then(
      () => this.ended(stop, undefined),
      (error) => this.ended(stop, error),
    );
  }

  private ended(stop: AbortController, error: unknown): void {
    if (stop.signal.aborted || this.connection.kind === "signed-out") return;
    const fault = faultOf(error ?? new Error("The server ended the connection."));
    if (fault.status === 401) this.set({ kind: "signed-out" });
    else if (fault.status === 400 && this.position && /position/.test(fault.message)) {
      this.position = "";
      this.tellGap(1, false);
      this.open();
    } else if (fault.status === 0 || fault.status === 429 || fault.status >= 500) {
      this.wait(fault);
    } else this.set({ kind: "refused", fault });
  }

  private wait(fault: Fault): void {
    const last = BACKOFF_MS.length - 1;
    const backoff = BACKOFF_MS[Math.min(this.failures, last)] ?? BUSY_MS;
    const wait = fault.status === 429 || fault.status === 503 ? BUSY_MS : backoff;
    this.failures += 1;
    this.retry = window.setTimeout(() => this.open(), wait);
    this.set({ kind: "waiting", until: Date.now() + wait, fault });
  }

  private take({ name, id, data }: ServerEvent): void {
    if (name === "hello") {
      this.failures = 0;
      this.set({ kind: "live" });
    } else if (name === "records") this.takeRecords(JSON.parse(data));
    else if (name === "gap") this.tellGap((JSON.parse(data) as { batches: number }).batches, false);
    else if (name === "heartbeat") {
      this.waiting = 0;
      this.counting = true;
    } else if (name === "signed-out") {
      this.set({ kind: "signed-out" });
      this.stop.abort();
    }
    if (id) this.position = id;
    this.changed();
    if (this.heldRows >= HELD_MAX) {
      // The rest waits at the server, behind the position.
      this.stop.abort();
      this.set({ kind: "full" });
    }
  }

  private takeRecords(page: RecordPage & { waiting: number }): void {
    this.waiting = page.waiting;
    this.received += page.rows;
    this.lastPage = page.rows;
    if (this.counting) this.rates.add(Date.now(), page.rows, page.data.action);
    else this.backlog -= page.rows;
    this.counting ||= page.waiting === 0 || this.backlog <= 0;
    const starts = (page.data.start ?? []) as (number | null)[];
    if (this.gap?.to === null) this.gap.to = starts.find((start) => start !== null) ?? null;
    for (const start of starts) if (start !== null && start > this.newest) this.newest = start;
    if (this.held) {
      this.heldPages.push(page);
      this.heldRows += page.rows;
      return;
    }
    if (this.freshFrom <= this.ring.first) this.freshFrom = this.ring.total;
    this.ring.push(page);
    if (this.ring.total - this.freshFrom > FRESH_ROWS_MAX) this.freshFrom = this.ring.total;
    window.clearTimeout(this.fresh);
    this.fresh = window.setTimeout(() => {
      this.freshFrom = this.ring.total;
      this.changed();
    }, FRESH_MS);
  }

  private tellGap(batches: number, chosen: boolean): void {
    const from = this.newest || Math.floor(Date.now() / 1000) - KEPT_S;
    const before = this.gap && this.gap.chosen === chosen ? this.gap : null;
    this.gap = {
      batches: (before?.batches ?? 0) + batches,
      from: before?.from ?? from,
      to: null,
      chosen,
    };
  }

  private dropHeld(): void {
    this.heldPages = [];
    this.heldRows = 0;
  }

  private set(connection: Connection): void {
    this.connection = connection;
    this.changed(true);
  }

  private changed(now = false): void {
    if (now) this.tell();
    else if (!this.draw) {
      const many = this.lastPage > FRESH_ROWS_MAX;
      this.draw = window.setTimeout(() => this.tell(), many ? DRAW_MANY_MS : DRAW_MS);
    }
  }

  private tell(): void {
    window.clearTimeout(this.draw);
    this.draw = 0;
    this.version += 1;
    for (const listener of [...this.listeners]) listener();
  }
}
