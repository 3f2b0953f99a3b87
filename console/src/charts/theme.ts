/** The tokens of the page as charts on a canvas need them: resolved, and anew after a change. */
import { useSyncExternalStore } from "react";

export interface Theme {
  name: string;
  colour(token: string): string;
  /** The colour of a token with an opacity. */
  faded(token: string, opacity: number): string;
}

function read(): Theme {
  const root = document.documentElement;
  const style = getComputedStyle(root);
  const known = new Map<string, string>();
  const colour = (token: string): string => {
    let value = known.get(token);
    if (value === undefined) {
      value = style.getPropertyValue(`--${token}`).trim() || "#888888";
      known.set(token, value);
    }
    return value;
  };
  return {
    name: root.dataset.theme ?? "light",
    colour,
    faded: (token, opacity) => withOpacity(colour(token), opacity),
  };
}

/** A hex colour with an opacity; other forms are returned as they are. */
export function withOpacity(hex: string, opacity: number): string {
  const short = /^#([\da-f])([\da-f])([\da-f])$/i.exec(hex);
  const full = short ? `#${short[1]}${short[1]}${short[2]}${short[2]}${short[3]}${short[3]}` : hex;
  if (!/^#[\da-f]{6}$/i.test(full)) return hex;
  const alpha = Math.round(Math.min(1, Math.max(0, opacity)) * 255);
  return full + alpha.toString(16).padStart(2, "0");
}

let current: Theme | undefined;
const waiting = new Set<() => void>();
let observer: MutationObserver | undefined;

function subscribe(changed: () => void): () => void {
  waiting.add(changed);
  observer ??= new MutationObserver(() => {
    current = read();
    for (const tell of waiting) tell();
  });
  if (waiting.size === 1)
    observer.observe(document.documentElement, { attributeFilter: ["data-theme"] });
  return () => {
    waiting.delete(changed);
    if (waiting.size === 0) observer?.disconnect();
  };
}

function snapshot(): Theme {
  // Nobody watched in between, so the attribute may have changed unseen.
  if (!current || current.name !== (document.documentElement.dataset.theme ?? "light"))
    current = read();
  return current;
}

/** The theme now; the component draws again when it changes. */
export const useTheme = (): Theme => useSyncExternalStore(subscribe, snapshot);

export const FONT = '"Inter Variable", system-ui, sans-serif';

let fonts: Promise<unknown> | undefined;

/** Resolved when canvas text can be measured: it is measured once, so charts wait for the fonts. */
export function fontsReady(): Promise<unknown> {
  fonts ??= document.fonts
    ? Promise.allSettled(["400", "600"].map((it) => document.fonts.load(`${it} 12px ${FONT}`)))
    : Promise.resolve();
  return fonts;
}
