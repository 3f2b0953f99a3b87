import { Check, CircleHelp, Minus, X } from "lucide-react";
import type { Explained, StepShown } from "../../api/schema";
import { Link } from "../../app/Link";

const LEGS = [
  { leg: "request", title: "Request" },
  { leg: "reply", title: "Reply" },
] as const;

/** The stations of the request and of the reply, in the order in which packets meet them. */
export function Stations({ explained }: { explained: Explained }) {
  return (
    <div className="stations">
      {LEGS.map(({ leg, title }) => {
        const steps = explained.steps.filter((step) => step.leg === leg);
        if (steps.length === 0) return null;
        return (
          <section key={leg} aria-label={title}>
            <h3>{title}</h3>
            <ol>
              {steps.map((step) => (
                <Station
                  key={`${step.interface_id} ${step.direction} ${step.station}`}
                  step={step}
                />
              ))}
            </ol>
          </section>
        );
      })}
    </div>
  );
}

const MARKS = {
  accept: { icon: <Check size={13} />, word: "allowed" },
  reject: { icon: <X size={13} />, word: "refused" },
  unknown: { icon: <CircleHelp size={13} />, word: "not known" },
};

function Station({ step }: { step: StepShown }) {
  const mark = step.reached
    ? MARKS[step.verdict]
    : { icon: <Minus size={13} />, word: "not reached" };
  const kind = step.station === "security-group" ? "Security group" : "Network ACL";
  const way = step.direction === "egress" ? "out of" : "into";
  return (
    <li className={step.reached ? step.verdict : "unreached"}>
      <span className="station-mark" aria-hidden>
        {mark.icon}
      </span>
      <div>
        <p className="station-title">
          <strong>{kind}</strong>
          <span>
            {way} <span title={step.interface_id}>{step.interface_name}</span>
          </span>
          <span className="station-word">{mark.word}</span>
        </p>
        {step.rule && (
          <p className="station-rule">
            <RuleLink step={step} />
          </p>
        )}
        <p className="station-reason">{step.reason}</p>
        {step.needed && <p className="station-needed">Needed: {step.needed}</p>}
      </div>
    </li>
  );
}

/** The rule that decided, with the way to its group. */
function RuleLink({ step }: { step: StepShown }) {
  const group = /^sg-[\da-zA-Z]+/.exec(step.rule)?.[0];
  const text = step.rule_name || step.rule;
  if (!group) return <span className="mono">{text}</span>;
  const rule = step.rule.split("/")[1];
  return (
    <Link className="mono" to={`/security-groups/${group}${rule ? `?rule=${rule}` : ""}`}>
      {text}
    </Link>
  );
}
