import { useState } from "react";
import type { QuarantineLine } from "../../api/schema";
import { formatCount } from "../../time/format";
import { CopyButton } from "../../ui/CopyBlock";
import { Pill } from "../../ui/State";
import { CUT_AT, rawParts } from "./rawText";

/** One entry: where it stands, why it is here, and its text as text. */
export function BadLine({ entry }: { entry: QuarantineLine }) {
  const [all, setAll] = useState(false);
  const long = entry.text.length > CUT_AT;
  const shown = long && !all ? entry.text.slice(0, CUT_AT) : entry.text;
  return (
    <li className="q-line">
      <div className="q-line-head">
        <Pill tone="warn">{entry.reason}</Pill>
        <span className="mono">
          {entry.source}
          {entry.line_number != null && `:${entry.line_number}`}
        </span>
        {entry.line_count > 1 && (
          <span className="quiet-text num">{formatCount(entry.line_count)} lines like it</span>
        )}
        <span className="grow" />
        <CopyButton
          label={`Copy the command that shows entry ${entry.id}`}
          text={`vpcflow quarantine show ${entry.id} --raw`}
        />
      </div>
      {entry.message && <p>{entry.message}</p>}
      {entry.text && (
        <pre className="q-text">
          {rawParts(shown).map((part, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a line's parts have nothing else
            <span key={index} className={part.control ? "control" : undefined}>
              {part.text}
            </span>
          ))}
          {long && !all && "…"}
        </pre>
      )}
      {long && (
        <div>
          <button type="button" className="link" onClick={() => setAll(!all)}>
            {all ? "Show less" : `Show all ${formatCount(entry.text.length)} characters`}
          </button>
          {entry.length > entry.text.length && (
            <span className="quiet-text"> of {formatCount(entry.length)}</span>
          )}
        </div>
      )}
      {entry.hint && <p className="quiet-text">{entry.hint}</p>}
    </li>
  );
}
