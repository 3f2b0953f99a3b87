// @vitest-environment node
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tableFromArrays, tableToIPC } from "@uwdata/flechette";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { CACHED_BYTES_MAX, forgetAll, forgetWith, keep, recall } from "./answerCache";
import { answerOfArrow } from "./arrow";
import {
  ask,
  askSql,
  getJson,
  loadSession,
  reachable,
  send,
  session,
  signIn,
  signOut,
} from "./client";
import { Fault, isAbort } from "./fault";
import { busy, enqueue, IN_FLIGHT_MAX } from "./queue";

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

let server: Server;
let handle: Handler = (_, response) => response.end();
const seen: IncomingMessage[] = [];
const fetchOfNode = globalThis.fetch;

beforeAll(async () => {
  server = createServer((request, response) => {
    seen.push(request);
    handle(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  // Outside of a browser there is no page whose origin a path could be of.
  globalThis.fetch = (path, init) => fetchOfNode(`http://127.0.0.1:${port}${path}`, init);
});

afterAll(() => {
  globalThis.fetch = fetchOfNode;
  server.closeAllConnections();
  server.close();
});

beforeEach(() => {
  seen.length = 0;
  forgetAll();
  session.set(undefined);
});

function json(body: unknown, status = 200, headers: Record<string, string> = {}): Handler {
  return (_, response) => {
    response.writeHead(status, { "content-type": "application/json", ...headers });
    response.end(JSON.stringify(body));
  };
}

test("what did not change is asked with its tag and not sent again", async () => {
  handle = (request, response) => {
    if (request.headers["if-none-match"] === '"1"') {
      response.writeHead(304).end();
      return;
    }
    json({ rows: 3 }, 200, { etag: '"1"' })(request, response);
  };
  const first = await ask("talkers", { start: 1, end: 2, filter: "", limit: undefined });
  const second = await ask("talkers", { start: 1, end: 2, filter: "", limit: undefined });
  expect(second).toBe(first);
  expect(seen.map((request) => request.url)).toEqual([
    "/api/v1/questions/talkers?start=1&end=2",
    "/api/v1/questions/talkers?start=1&end=2",
  ]);
});

test("an error says what the server said", async () => {
  handle = json(
    { error: { code: "FilterError", message: "no field", hint: "srcaddr?", position: 4 } },
    400,
  );
  const fault = await getJson<never>("/fields").catch((error) => error as Fault);
  expect(fault).toBeInstanceOf(Fault);
  expect([fault.status, fault.code, fault.position]).toEqual([400, "FilterError", 4]);
});

test("without a session the reader is asked to sign in", async () => {
  session.set({ signed_in: true });
  handle = json({ error: { code: "SignInNeeded", message: "sign in" } }, 401);
  await expect(getJson("/fields")).rejects.toThrow("sign in");
  expect(session.get()).toEqual({ signed_in: false });
});

test("late news of a session that ended does not end the next one", async () => {
  let late: ServerResponse | undefined;
  session.set({ signed_in: true, name: "first" });
  const asked = new Promise<void>((resolve) => {
    handle = (_, response) => {
      late = response;
      resolve();
    };
  });
  const answer = getJson("/fields").catch((error) => error as Fault);
  await asked;
  session.set({ signed_in: true, name: "second" });
  json({ error: { code: "SignInNeeded", message: "sign in" } }, 401)(
    {} as IncomingMessage,
    late as ServerResponse,
  );
  expect(((await answer) as Fault).status).toBe(401);
  expect(session.get()).toEqual({ signed_in: true, name: "second" });
});

test("changes carry the token of the session, and signing out forgets answers", async () => {
  handle = json({ signed_in: true, csrf: "abc" });
  await loadSession();
  handle = json({ id: "d1" }, 201);
  expect(await send("POST", "/dashboards", { title: "x" })).toEqual({ id: "d1" });
  expect(seen.at(-1)?.headers["x-vpcflow-csrf"]).toBe("abc");
  keep("k", '"1"', {}, 10);
  handle = (_, response) => response.writeHead(204).end();
  await signOut();
  expect(recall("k")).toBeUndefined();
  expect(session.get()?.signed_in).toBe(false);
});

test("a request that is given up ends on the server too", async () => {
  const stop = new AbortController();
  const closed = new Promise<void>((resolve) => {
    handle = (request) => {
      request.on("close", resolve);
      stop.abort();
    };
  });
  const error = await getJson("/health", {}, { signal: stop.signal }).catch((one) => one);
  expect(isAbort(error)).toBe(true);
  await closed;
});

test("a page of another program is no answer", async () => {
  handle = (_, response) => response.writeHead(200, { "content-type": "text/html" }).end("<p>");
  await expect(getJson("/health")).rejects.toThrow("no JSON");
});

test("a server that is away is told, and again when it is back", async () => {
  handle = (request) => request.socket.destroy();
  const fault = await getJson<never>("/health").catch((error) => error as Fault);
  expect([fault.code, reachable.get()]).toEqual(["Unreachable", false]);
  handle = json({});
  await getJson("/health");
  expect(reachable.get()).toBe(true);
});

test("a server that goes away within an answer is away", async () => {
  handle = (request, response) => {
    response.writeHead(200, { "content-type": "application/json", "content-length": "99" });
    response.write("{", () => request.socket.destroy());
  };
  const fault = await getJson<never>("/health").catch((error) => error as Fault);
  expect([fault.code, reachable.get()]).toEqual(["Unreachable", false]);
});

test("SQL of panels waits for its turn with the other questions", async () => {
  const open: ServerResponse[] = [];
  handle = (_, response) => void open.push(response);
  const stop = new AbortController();
  const all = Array.from({ length: IN_FLIGHT_MAX + 2 }, (_, index) =>
    askSql({ text: `SELECT ${index}` }, { signal: stop.signal }).catch(isAbort),
  );
  while (open.length < IN_FLIGHT_MAX) await new Promise((resolve) => setImmediate(resolve));
  expect(busy()).toBe(true);
  stop.abort();
  expect(await Promise.all(all)).toEqual(all.map(() => true));
  expect(seen.length).toBe(IN_FLIGHT_MAX);
  await new Promise((resolve) => setImmediate(resolve));
  expect(busy()).toBe(false);
});

test("what the last reader saw is gone when another signs in", async () => {
  let told = 0;
  forgetWith(() => {
    told += 1;
  });
  handle = json({ signed_in: true });
  await signIn({ access_key_id: "a", secret_access_key: "b" });
  expect(told).toBe(1);
});

test("at most four run at once; what is in view goes first", async () => {
  const started: string[] = [];
  const ends: (() => void)[] = [];
  const run = (name: string, priority: number) => {
    const work = () => {
      started.push(name);
      return new Promise<void>((resolve) => ends.push(resolve));
    };
    return enqueue(work, new AbortController().signal, () => priority);
  };
  const all = [..."abcdef"].map((name) => run(name, 2));
  all.push(run("seen", 1));
  await Promise.resolve();
  expect(started.length).toBe(IN_FLIGHT_MAX);
  expect(started[0]).toBe("seen");
  while (started.length < 7) {
    ends.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  for (const end of ends) end();
  await Promise.all(all);
});

test("answers kept are bounded in bytes, the oldest used go", () => {
  for (let index = 0; index < 5; index += 1) keep(`k${index}`, '"1"', index, CACHED_BYTES_MAX / 4);
  expect(recall("k0")).toBeUndefined();
  expect(recall("k4")?.value).toBe(4);
});

test("numbers of 64 bits that no double holds are rounded, not refused", () => {
  const table = tableFromArrays({ bytes: new BigInt64Array([1n, 2n ** 62n]) });
  (table.schema as { metadata: Map<string, string> }).metadata = new Map([["vpcflow", "{}"]]);
  const answer = answerOfArrow(tableToIPC(table, { format: "stream" }) as Uint8Array);
  expect(answer.data.bytes).toEqual([1, 2 ** 62]);
});

test("an Arrow stream reads as the same columns, the envelope from its metadata", () => {
  const table = tableFromArrays({ srcaddr: ["10.0.0.1", null, "10.0.0.1"], bytes: [1, 2, 3] });
  const envelope = { columns: [], names: {}, truncated: false, rows: 0 };
  (table.schema as { metadata: Map<string, string> }).metadata = new Map([
    ["vpcflow", JSON.stringify(envelope)],
  ]);
  const answer = answerOfArrow(tableToIPC(table, { format: "stream" }) as Uint8Array);
  expect(answer.rows).toBe(3);
  expect(Array.from(answer.data.srcaddr ?? [])).toEqual(["10.0.0.1", null, "10.0.0.1"]);
  expect(Array.from(answer.data.bytes ?? [])).toEqual([1, 2, 3]);
});

test("a server with too much to do is asked again when it says, a change is not", async () => {
  const busy = { error: { code: "TooManyQuestions", message: "Ask again in a moment." } };
  const later = { "retry-after": "0" };
  handle = (request, response) =>
    (seen.length < 3 ? json(busy, 429, later) : json({ rows: 1 }))(request, response);
  expect(await getJson("/questions/series")).toEqual({ rows: 1 });
  expect(seen.length).toBe(3);
  seen.length = 0;
  handle = json(busy, 429, later);
  await expect(send("POST", "/dashboards", {})).rejects.toMatchObject({ status: 429 });
  expect(seen.length).toBe(1);
  await expect(getJson("/questions/pairs")).rejects.toMatchObject({ code: "TooManyQuestions" });
  expect(seen.length).toBe(5);
});
