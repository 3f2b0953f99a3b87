import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { EventReader } from "./events";
import { ArrivalRates } from "./rates";
import { RowRing } from "./ring";
import type { Connect } from "./stream";
import { HELD_MAX, LiveTail } from "./tail";
import { secondsToNext, stateWords } from "./words";

describe("events of the stream", () => {
  it("come whole, wherever the text is cut", () => {
    const text = 'event: hello\nid: a-1:0\ndata: {"columns":[]}\n\nevent: heartbeat\ndata: {}\n\n';
    for (let cut = 0; cut <= text.length; cut += 1) {
      const reader = new EventReader();
      const found = [...reader.push(text.slice(0, cut)), ...reader.push(text.slice(cut))];
      expect(found).toEqual([
        { name: "hello", id: "a-1:0", data: '{"columns":[]}' },
        { name: "heartbeat", id: "", data: "{}" },
      ]);
    }
  });
});

describe("the rows that are kept", () => {
  const numbers = (from: number, rows: number) => ({
    rows,
    data: { bytes: Array.from({ length: rows }, (_, at) => from + at) },
  });

  it("are the last ones, in order", () => {
    const ring = new RowRing(10);
    ring.push(numbers(0, 7));
    ring.push(numbers(7, 6));
    const kept = Array.from({ length: ring.length }, (_, at) =>
      ring.cell(ring.first + at, "bytes"),
    );
    expect(kept).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    expect(ring.cell(2, "bytes")).toBeNull();
    ring.push(numbers(13, 25));
    expect(ring.cell(ring.total - 1, "bytes")).toBe(37);
    expect(ring.cell(ring.first, "bytes")).toBe(28);
  });

  it("have no value of a field that was not asked for then", () => {
    const ring = new RowRing(4);
    ring.push(numbers(0, 4));
    ring.push({ rows: 2, data: { packets: [1, 2] } });
    expect([2, 3, 4, 5].map((row) => ring.cell(row, "bytes"))).toEqual([2, 3, null, null]);
    expect([2, 3, 4, 5].map((row) => ring.cell(row, "packets"))).toEqual([null, null, 1, 2]);
  });
});

it("rates count whole seconds, rejected apart", () => {
  const rates = new ArrivalRates();
  rates.add(1_000_000, 3, ["ACCEPT", "REJECT", "ACCEPT"]);
  rates.add(1_001_000, 1, ["REJECT"]);
  expect(rates.seconds(1_002_000).slice(-2)).toEqual([
    { accepted: 2, rejected: 1 },
    { accepted: 0, rejected: 1 },
  ]);
  expect(rates.mean(1_002_000)).toEqual({ accepted: 1, rejected: 1 });
});

/** A server whose streams the test writes, with the addresses that were asked. */
class Streams {
  asked: URLSearchParams[] = [];
  private writer: ReadableStreamDefaultController<Uint8Array> | undefined;
  refusal: Response | undefined;
  connect: Connect = async (url) => {
    this.asked.push(new URLSearchParams(url.split("?")[1]));
    if (this.refusal) return this.refusal;
    return new Response(
      new ReadableStream<Uint8Array>({
        start: (writer) => {
          this.writer = writer;
        },
      }),
    );
  };

  async send(name: string, id: string, data: unknown): Promise<void> {
    const text = `event: ${name}\n${id && `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`;
    this.writer?.enqueue(new TextEncoder().encode(text));
    await vi.advanceTimersByTimeAsync(0);
  }

  async records(from: number, rows: number, waiting = 0): Promise<void> {
    const bytes = Array.from({ length: rows }, (_, at) => from + at);
    const data = { bytes, start: bytes.map(() => 1000 + from), action: bytes.map(() => "ACCEPT") };
    await this.send("records", `a-1:${from + rows}`, { rows, data, seen: rows, waiting });
  }

  async end(): Promise<void> {
    this.writer?.close();
    await vi.advanceTimersByTimeAsync(0);
  }
}

describe("a tail", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });
  const options = { filter: "", fields: "start,bytes", rate: 1000 };
  const rows = ({ ring }: LiveTail) =>
    Array.from({ length: ring.length }, (_, at) => ring.cell(ring.first + at, "bytes"));
  const begin = async () => {
    const streams = new Streams();
    const tail = new LiveTail(streams.connect);
    tail.follow(options);
    await streams.send("hello", "", {});
    await vi.advanceTimersByTimeAsync(0);
    await streams.send("hello", "a-1:0", { columns: [] });
    return { streams, tail };
  };

  it("goes on behind the last event after the server went", async () => {
    const { streams, tail } = await begin();
    await streams.records(0, 3);
    expect(tail.connection.kind).toBe("live");
    await streams.end();
    expect(stateWords(tail.connection, false, Date.now()).pill).toBe("Reconnecting in 1 s");
    await vi.advanceTimersByTimeAsync(1_000);
    expect(streams.asked[1]?.get("from")).toBe("a-1:3");
    expect(streams.asked[1]?.get("backlog")).toBe("0");
    await streams.records(3, 2);
    expect(rows(tail)).toEqual([0, 1, 2, 3, 4]);
    tail.close();
  });

  it("begins anew with another filter, and goes on with another rate", async () => {
    const { streams, tail } = await begin();
    await streams.records(0, 3);
    tail.follow({ ...options, rate: 5000 });
    await vi.advanceTimersByTimeAsync(0);
    expect(streams.asked[1]?.get("from")).toBe("a-1:3");
    expect(rows(tail)).toHaveLength(3);
    tail.follow({ ...options, filter: "port = 22" });
    await vi.advanceTimersByTimeAsync(0);
    expect(streams.asked[2]?.get("from")).toBeNull();
    expect(rows(tail)).toEqual([]);
    tail.close();
  });

  it("holds what comes, up to a bound, and shows it in order afterwards", async () => {
    const { streams, tail } = await begin();
    await streams.records(0, 2);
    tail.hold(true);
    await streams.records(2, HELD_MAX);
    expect(rows(tail)).toEqual([0, 1]);
    expect([tail.connection.kind, tail.heldRows]).toEqual(["full", HELD_MAX]);
    tail.hold(false);
    await vi.advanceTimersByTimeAsync(0);
    expect(streams.asked[1]?.get("from")).toBe(`a-1:${HELD_MAX + 2}`);
    await streams.records(HELD_MAX + 2, 1);
    expect(rows(tail).slice(-2)).toEqual([HELD_MAX + 1, HELD_MAX + 2]);
    expect(tail.received).toBe(HELD_MAX + 3);
    tail.close();
  });

  it("tells what it missed, and from when to when", async () => {
    const { streams, tail } = await begin();
    await streams.records(0, 1);
    await streams.send("gap", "a-9:0", { batches: 8 });
    expect(tail.gap).toEqual({ batches: 8, from: 1000, to: null, chosen: false });
    await streams.records(500, 1);
    expect(tail.gap?.to).toBe(1500);
    tail.close();
  });

  it.each([
    [401, "signed-out", "Signed out"],
    [403, "refused", "Stopped"],
    [429, "waiting", "Waiting in 15 s"],
    [503, "waiting", "Waiting in 15 s"],
  ])("says what a refusal with %i means", async (status, kind, pill) => {
    const streams = new Streams();
    streams.refusal = new Response("{}", { status });
    const tail = new LiveTail(streams.connect);
    tail.follow(options);
    await vi.advanceTimersByTimeAsync(0);
    expect(tail.connection.kind).toBe(kind);
    const words = stateWords(tail.connection, false, Date.now());
    expect(words.pill).toBe(pill);
    expect(words.told).not.toBe("");
    tail.close();
  });
});

it("knows when an interval ends", () => {
  const capture = { running: true, interval_s: 60, interval_opened_s: 1000 };
  expect(secondsToNext(capture, 1010)).toBe(50);
  expect(secondsToNext(capture, 1130)).toBe(50);
  expect(secondsToNext({ running: false }, 1010)).toBeUndefined();
});
