import { Check, Copy } from "lucide-react";
import { useEffect, useState } from "react";
import { IconButton } from "./Button";
import { copyText } from "./clipboard";
import "./copyBlock.css";

/** How long the tick stands after something was copied. */
const TICK_MS = 1_600;

export interface CopyBlockProps {
  /** What is copied: read aloud with the button. */
  label: string;
  text: string;
  /** Keeps long lines in one line that scrolls. */
  wide?: boolean;
}

/** Commands or a document, with a button that copies them. */
export function CopyBlock({ label, text, wide }: CopyBlockProps) {
  return (
    <section className={`copy-block ${wide ? "wide" : ""}`} aria-label={label}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys */}
      <pre tabIndex={0}>{text}</pre>
      <CopyButton label={`Copy ${label}`} text={text} />
    </section>
  );
}

/** Puts a text into the clipboard and shows a tick. */
export function CopyButton({ label, text }: { label: string; text: string }) {
  const [done, setDone] = useState(false);
  useEffect(() => {
    if (!done) return;
    const timer = window.setTimeout(() => setDone(false), TICK_MS);
    return () => window.clearTimeout(timer);
  }, [done]);
  const copy = async () => setDone(await copyText(text, ""));
  return (
    <IconButton
      label={done ? "Copied" : label}
      icon={done ? <Check size={14} /> : <Copy size={14} />}
      onClick={copy}
    />
  );
}
