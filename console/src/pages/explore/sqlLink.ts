import { useEffect, useState } from "react";
import { usePlace } from "../../state/location";

/** SQL up to this stands in the address as it is; longer SQL is compressed. Units: characters. */
export const PLAIN_MAX = 1_500;
/** Longer addresses are refused by servers and by those who pass them on. Units: characters. */
export const LINK_MAX = 12_000;

/** The parameters that hold SQL in the address; undefined when it is too long for any. */
export async function linkOf(
  sql: string,
): Promise<{ sql: string | null; sqlz: string | null } | undefined> {
  if (sql.length <= PLAIN_MAX) return { sql, sqlz: null };
  const packed = await packedText(sql);
  return packed.length <= LINK_MAX ? { sql: null, sqlz: packed } : undefined;
}

/** A text, deflated, in the letters of an address. */
export async function packedText(text: string): Promise<string> {
  const bytes = await through(new TextEncoder().encode(text), new CompressionStream("deflate-raw"));
  let raw = "";
  for (const byte of bytes) raw += String.fromCharCode(byte);
  return btoa(raw).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

/** The text of what `packedText` made. Errors: Error when it was made by something else. */
export async function unpackedText(packed: string): Promise<string> {
  const raw = atob(packed.replace(/-/g, "+").replace(/_/g, "/"));
  const bytes = Uint8Array.from(raw, (letter) => letter.charCodeAt(0));
  return new TextDecoder().decode(await through(bytes, new DecompressionStream("deflate-raw")));
}

/** What a link may unpack to; more is nobody's query. Units: bytes. */
const UNPACKED_MAX = 1_000_000;

async function through(
  bytes: Uint8Array<ArrayBuffer>,
  stream: GenericTransformStream,
): Promise<Uint8Array> {
  const writer = stream.writable.getWriter();
  // What is wrong is told by the reader; the writer's promises would only say it again.
  writer.write(bytes).catch(() => undefined);
  writer.close().catch(() => undefined);
  const reader = stream.readable.getReader();
  const parts: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > UNPACKED_MAX) throw new Error("the link holds too much");
    parts.push(value);
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** The SQL that the address holds; undefined until it is unpacked, null when there is none. */
export function useLinkedSql(): string | null | undefined {
  const params = new URLSearchParams(usePlace().query);
  const plain = params.get("sql");
  const packed = params.get("sqlz");
  const [found, setFound] = useState<{ packed: string; text: string | null }>();
  useEffect(() => {
    if (!packed) return;
    let left = false;
    unpackedText(packed).then(
      (text) => !left && setFound({ packed, text }),
      () => !left && setFound({ packed, text: null }),
    );
    return () => {
      left = true;
    };
  }, [packed]);
  if (plain !== null) return plain;
  if (!packed) return null;
  return found?.packed === packed ? found.text : undefined;
}
