import { apiUrl, reachable } from "../../api/client";
import { Fault } from "../../api/fault";
import { EventReader, type ServerEvent } from "./events";

/** What is asked of the server. */
export interface StreamOptions {
  filter: string;
  /** Fields with commas between. */
  fields: string;
  /** Records a second. */
  rate: number;
}

/** Without any event for so long the connection is dead: the server gives a sign every 10 s. */
export const SILENCE_MS = 30_000;
const SILENT = "The server gave no sign for 30 s.";

/** Asks for the stream; a part of fetch, so that tests need no network. */
export type Connect = (url: string, signal: AbortSignal) => Promise<Response>;

const connectByFetch: Connect = (url, signal) =>
  fetch(url, { signal, cache: "no-store", headers: { Accept: "text/event-stream" } });

/**
 * Reads the stream until it ends; each whole event goes to `take`.
 * Not EventSource: it hides the status of a refusal, which says what to do about it.
 * Errors: Fault for a refusal or an unreachable server, AbortError, Error for a stream that died.
 */
export async function readStream(
  options: StreamOptions & { position: string; backlog: number },
  signal: AbortSignal,
  take: (event: ServerEvent) => void,
  connect: Connect = connectByFetch,
): Promise<void> {
  const { position, ...rest } = options;
  const url = apiUrl("/live", { ...rest, from: position });
  const silence = new AbortController();
  const either = AbortSignal.any([signal, silence.signal]);
  const response = await reach(url, either, connect);
  const body = response.body?.getReader();
  if (!body) return;
  const reader = new EventReader();
  const decoder = new TextDecoder();
  let timer = 0;
  const listen = () => {
    window.clearTimeout(timer);
    timer = window.setTimeout(() => silence.abort(new Error(SILENT)), SILENCE_MS);
  };
  try {
    for (;;) {
      listen();
      const { done, value } = await body.read();
      if (done || signal.aborted) return;
      for (const event of reader.push(decoder.decode(value, { stream: true }))) take(event);
    }
  } finally {
    window.clearTimeout(timer);
    body.cancel().catch(() => undefined);
  }
}

async function reach(url: string, signal: AbortSignal, connect: Connect): Promise<Response> {
  let response: Response;
  try {
    response = await connect(url, signal);
  } catch (error) {
    if (signal.aborted) throw error;
    reachable.set(false);
    throw new Fault(0, { code: "Unreachable", message: "The server does not answer." });
  }
  reachable.set(true);
  if (response.ok) return response;
  let told = { code: "HttpError", message: `The server answered ${response.status}.` };
  try {
    told = { ...told, ...((await response.json()) as { error?: typeof told }).error };
  } catch {
    // A proxy's page, say: the status alone has to do.
  }
  throw new Fault(response.status, told);
}
