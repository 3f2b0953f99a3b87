import { Check, Minus, X } from "lucide-react";
import type { Asked } from "../../api/hooks";
import type { CheckStep, FlowLogCheck } from "../../api/schema";
import { useLate } from "../../panels/PanelFrame";
import { CopyBlock } from "../../ui/CopyBlock";

/** What the server says of destination and role, step by step. */
export function CheckSteps({ check, waiting }: { check: Asked<FlowLogCheck>; waiting: string }) {
  const busy = useLate(check.loading);
  if (check.fault) {
    return (
      <p className="field-error" role="alert">
        The check did not run: {check.fault.message}
      </p>
    );
  }
  if (!check.data) return <p className="quiet-text">{busy ? "Checking…" : waiting}</p>;
  const { steps, ok } = check.data;
  const documents = new Map<string, unknown>();
  for (const { fix } of steps) if (fix) documents.set(fix.title, fix.document);
  return (
    <div className={`stack ${busy ? "dimmed" : ""}`} aria-busy={busy || undefined}>
      <p className={ok ? "ok-text" : "crit-text"} role="status">
        {ok ? "Ready to deliver." : "Delivery would fail as it is."}
      </p>
      <ul className="check-steps">
        {steps.map((step, index) => (
          <StepLine
            key={`${step.what} ${step.why}`}
            step={step}
            // Steps that are mended by one thing say so once, at the last of them.
            hint={steps[index + 1]?.hint === step.hint ? "" : step.hint}
          />
        ))}
      </ul>
      {[...documents].map(([title, document]) => (
        <details key={title} open={!ok} className="fix">
          <summary>{title}</summary>
          <CopyBlock label={title.toLowerCase()} text={JSON.stringify(document, null, 2)} />
        </details>
      ))}
    </div>
  );
}

function StepLine({ step, hint }: { step: CheckStep; hint: string }) {
  const word = step.ok === null ? "not known" : step.ok ? "right" : "wrong";
  const tone = step.ok === null ? "" : step.ok ? "ok" : "crit";
  return (
    <li className={tone}>
      {step.ok === null ? (
        <Minus size={14} aria-hidden />
      ) : step.ok ? (
        <Check size={14} aria-hidden />
      ) : (
        <X size={14} aria-hidden />
      )}
      <span>
        <span className="sr">{word}: </span>
        <strong>{step.what}</strong> <span className="quiet-text">{step.why}</span>
        {hint && <span className="check-hint">{hint}</span>}
      </span>
    </li>
  );
}
