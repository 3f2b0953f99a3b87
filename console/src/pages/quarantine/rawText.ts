/** A stretch of a bad line: text as it stands, or a character that would not be seen. */
export interface RawPart {
  text: string;
  control: boolean;
}

/** Characters of a line that are shown before "show all". */
export const CUT_AT = 400;
const NAMES: Record<string, string> = { "\t": "\\t", "\r": "\\r", "\n": "\\n", "\u0000": "\\0" };
/** Controls, and what turns or hides text: it could make a line look like another. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** A line in parts, its unseen characters written out. */
export function rawParts(text: string): RawPart[] {
  const parts: RawPart[] = [];
  let from = 0;
  for (const match of text.matchAll(UNSEEN)) {
    const at = match.index;
    if (at > from) parts.push({ text: text.slice(from, at), control: false });
    parts.push({ text: nameOf(match[0]), control: true });
    from = at + match[0].length;
  }
  if (from < text.length) parts.push({ text: text.slice(from), control: false });
  return parts;
}

function nameOf(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const hex = code.toString(16).padStart(code < 256 ? 2 : 4, "0");
  return NAMES[character] ?? (code < 256 ? `\\x${hex}` : `\\u${hex}`);
}
