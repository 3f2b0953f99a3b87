import { createStore } from "../state/store";
import { forgetAll, keep, recall } from "./answerCache";
import { Fault, isAbort } from "./fault";
import { enqueue } from "./queue";
import type { Answer, Session } from "./types";

export const BASE = "/api/v1";
const ARROW = "application/vnd.apache.arrow.stream";
const JSON_TYPE = "application/json";

/** Whether the server answers; the shell shows a banner while it does not. */
export const reachable = createStore(true);
/** Who is signed in; undefined until the server said so. */
export const session = createStore<Session | undefined>(undefined);

export type Params = Record<string, string | number | boolean | null | undefined>;

export interface GetOptions {
  signal?: AbortSignal;
  /** Lower goes first; asked again each time there is room. */
  priority?: () => number;
  arrow?: boolean;
}

/** An address of the API with its parameters; empty ones are left out. */
export function apiUrl(path: string, params: Params = {}): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    if (value !== undefined && value !== null && value !== "") query.set(name, String(value));
  }
  const text = query.toString();
  return `${BASE}${path}${text ? `?${text}` : ""}`;
}

/** Gets an answer of the API; what did not change is not sent again. Errors: Fault, AbortError. */
export function getJson<T>(
  path: string,
  params: Params = {},
  options: GetOptions = {},
): Promise<T> {
  const url = apiUrl(path, params);
  const signal = options.signal ?? new AbortController().signal;
  return enqueue(() => get<T>(url, signal, options.arrow ?? false), signal, options.priority);
}

async function get<T>(url: string, signal: AbortSignal, arrow: boolean): Promise<T> {
  const key = `${arrow ? "arrow " : ""}${url}`;
  const known = recall(key);
  const headers: Record<string, string> = { Accept: accepted(arrow) };
  if (known) headers["If-None-Match"] = known.etag;
  // "no-store": the browser's own cache would answer a changed table with what it kept.
  const reader = session.get();
  const response = await reach(url, { headers, signal, cache: "no-store" });
  if (response.status === 304 && known) return known.value as T;
  if (!response.ok) throw await faultFrom(response, reader);
  const { value, bytes } = await read(response, signal);
  const etag = response.headers.get("ETag");
  if (etag) keep(key, etag, value, bytes);
  return value as T;
}

function accepted(arrow: boolean): string {
  return arrow ? `${ARROW}, ${JSON_TYPE};q=0.5` : JSON_TYPE;
}

async function read(
  response: Response,
  signal?: AbortSignal,
): Promise<{ value: unknown; bytes: number }> {
  const type = response.headers.get("Content-Type") ?? "";
  if (type.startsWith(ARROW)) {
    const body = new Uint8Array(await whole(response.arrayBuffer(), signal));
    const { answerOfArrow } = await import("./arrow");
    return { value: answerOfArrow(body), bytes: body.byteLength };
  }
  const text = await whole(response.text(), signal);
  if (!type.includes("json")) {
    throw new Fault(response.status, {
      code: "UnexpectedAnswer",
      message: "The server answered something that is no JSON.",
      hint: "Is another program listening on this port?",
    });
  }
  return { value: text ? JSON.parse(text) : null, bytes: text.length * 2 };
}

/** How often a question is asked of a server that has too much to do, and how long it waits at most. */
const BUSY_TRIES_MAX = 4;
const BUSY_S_MAX = 10;

async function reach(url: string, init: RequestInit): Promise<Response> {
  for (let tried = 1; ; tried += 1) {
    const asked = fetch(url, { credentials: "same-origin", ...init });
    const response = await whole(asked, init.signal ?? undefined);
    reachable.set(true);
    const changes = init.method !== undefined && init.method !== "GET";
    if (response.status !== 429 || changes || tried >= BUSY_TRIES_MAX) return response;
    // The server says when to come again; who asked sees it as a slow answer.
    const told = Number(response.headers.get("Retry-After") ?? 1);
    await pause(Math.min(told || 0, BUSY_S_MAX), init.signal ?? undefined);
  }
}

function pause(seconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((done, failed) => {
    const stop = () => {
      clearTimeout(timer);
      failed(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      done();
    }, seconds * 1_000);
    signal?.addEventListener("abort", stop, { once: true });
  });
}

/** What comes over the network; a server that stops in the middle of it is away as well. */
async function whole<T>(coming: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  try {
    return await coming;
  } catch (error) {
    if (signal?.aborted || isAbort(error)) throw error;
    reachable.set(false);
    throw new Fault(0, {
      code: "Unreachable",
      message: "The server does not answer.",
      hint: "It may be starting again; this page asks again by itself.",
    });
  }
}

async function faultFrom(response: Response, reader = session.get()): Promise<Fault> {
  let told = { code: "HttpError", message: `The server answered ${response.status}.` };
  try {
    told = { ...told, ...((await response.json()) as { error?: typeof told }).error };
  } catch {
    // Not JSON: a proxy's page, say. The status alone has to do.
  }
  // Late news of a session that has ended must not end the one that was begun since.
  if (response.status === 401 && session.get() === reader) session.set({ signed_in: false });
  return new Fault(response.status, told);
}

export interface SendOptions {
  signal?: AbortSignal;
  params?: Params;
  /** Asks for Arrow: for answers of more than about a thousand rows. */
  arrow?: boolean;
  /** The ETag that was changed from, for what others may have changed meanwhile. */
  ifMatch?: string;
}

/** Changes something. Shape: `body` is sent as JSON. Errors: Fault. */
export async function send<T = unknown>(
  method: "POST" | "PUT" | "DELETE" | "PATCH",
  path: string,
  body?: unknown,
  options: SendOptions = {},
): Promise<T> {
  const response = await sent(method, path, body, options);
  if (response.status === 204) return undefined as T;
  return (await read(response, options.signal)).value as T;
}

/** The records that SQL is run over. Units: `start` and `end` in epoch seconds. */
export interface SqlBody {
  text: string;
  start?: number;
  end?: number;
  filter?: string;
}

/** Asks SQL of the records, in turn with the other questions of the page. Errors: Fault, AbortError. */
export function askSql(body: SqlBody, options: GetOptions = {}): Promise<Answer> {
  const signal = options.signal ?? new AbortController().signal;
  const run = () => send<Answer>("POST", "/sql", body, { signal, arrow: options.arrow });
  return enqueue(run, signal, options.priority);
}

async function sent(
  method: string,
  path: string,
  body: unknown,
  options: SendOptions,
): Promise<Response> {
  const headers: Record<string, string> = { Accept: accepted(options.arrow ?? false) };
  const reader = session.get();
  const csrf = reader?.csrf;
  if (csrf && method !== "GET") headers["X-Vpcflow-Csrf"] = csrf;
  if (body !== undefined) headers["Content-Type"] = JSON_TYPE;
  if (options.ifMatch) headers["If-Match"] = options.ifMatch;
  const response = await reach(apiUrl(path, options.params), {
    method,
    headers,
    body: body === undefined ? undefined : JSON.stringify(body),
    signal: options.signal,
  });
  if (!response.ok) throw await faultFrom(response, reader);
  return response;
}

/** A file of the API. Shape: `rows` in it, and whether the server cut the rest. */
export interface SentFile {
  blob: Blob;
  name: string;
  rows: number;
  truncated: boolean;
}

/** Gets a file: an export. Errors: Fault, AbortError. */
export async function getFile(
  method: "GET" | "POST",
  path: string,
  body?: unknown,
  options: SendOptions = {},
): Promise<SentFile> {
  const response = await sent(method, path, body, options);
  const said = response.headers.get("Content-Disposition") ?? "";
  return {
    name: /filename="([^"]+)"/.exec(said)?.[1] ?? "vpcflow",
    rows: Number(response.headers.get("X-Vpcflow-Rows") ?? 0),
    truncated: response.headers.get("X-Vpcflow-Truncated") === "true",
    blob: await response.blob(),
  };
}

/** Asks a question of the records. */
export function ask(question: string, params: Params, options: GetOptions = {}): Promise<Answer> {
  return getJson<Answer>(`/questions/${encodeURIComponent(question)}`, params, options);
}

/** Asks who is signed in. */
export async function loadSession(): Promise<Session> {
  const response = await reach(apiUrl("/session"), { headers: { Accept: JSON_TYPE } });
  if (response.status === 401) {
    const out: Session = { signed_in: false };
    session.set(out);
    return out;
  }
  if (!response.ok) throw await faultFrom(response);
  const found = (await read(response)).value as Session;
  session.set(found);
  return found;
}

/** Signs in with an access key. Errors: Fault with status 401 or 403 when it is wrong. */
export async function signIn(keys: {
  access_key_id: string;
  secret_access_key: string;
  session_token?: string;
}): Promise<void> {
  await send("POST", "/session", keys);
  forgetAll();
  await loadSession();
}

/** Signs out, here and on the server. */
export async function signOut(): Promise<void> {
  await send("DELETE", "/session");
  forgetAll();
  session.set({ signed_in: false });
}
