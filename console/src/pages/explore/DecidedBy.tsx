import { Ban, Check, CircleHelp, Minus } from "lucide-react";
import { useJson } from "../../api/hooks";
import type { RecordRule, StepShown } from "../../api/schema";
import type { Cell } from "../../api/types";
import { Link } from "../../app/Link";
import { ErrorState, Pill, Skeleton } from "../../ui/State";
import { explainPath, type RecordKey } from "./record";

const BASES: Record<string, string> = {
  recorded: "the record names it",
  judged: "as the rules are now",
  unknown: "not known",
};

/** The rule that decided a record, the stations on its way, and what would change it. */
export function DecidedBy({
  record,
  values,
}: {
  record: RecordKey;
  values?: Record<string, Cell>;
}) {
  const asked = useJson<RecordRule>(record.interfaceId ? "/record-rule" : null, {
    interface_id: record.interfaceId,
    srcaddr: record.srcaddr,
    dstaddr: record.dstaddr,
    srcport: record.srcport,
    dstport: record.dstport,
    protocol: record.protocol,
    action: record.action,
    start: record.start,
    tcp_flags: typeof values?.tcp_flags === "number" ? values.tcp_flags : undefined,
  });
  const rejected = record.action === "REJECT";
  const found = asked.data;
  return (
    <section className="record-part" aria-labelledby="record-rule">
      <header>
        <h3 id="record-rule">{rejected ? "What rejected it" : "What let it through"}</h3>
        {found && <span className="quiet-text">{BASES[found.basis]}</span>}
        <span className="grow" />
        <Link className="btn sm" to={explainPath(record)}>
          {rejected ? "Why was this rejected?" : "Explain this flow"}
        </Link>
      </header>
      {asked.fault && !found && <ErrorState fault={asked.fault} onRetry={asked.retry} />}
      {!found && !asked.fault && record.interfaceId && <Skeleton lines={2} />}
      {found && <Found found={found} />}
    </section>
  );
}

function Found({ found }: { found: RecordRule }) {
  if (found.basis === "unknown") {
    return (
      <p className="record-why">
        {found.why} <span className="quiet-text">{found.hint}</span>
      </p>
    );
  }
  return (
    <>
      <p className="record-rule">
        {found.rule && <span className="mono">{found.rule}</span>}
        {found.rule_name && <span>{found.rule_name}</span>}
        {found.station && (
          <Pill>{found.station === "security-group" ? "security group" : "network ACL"}</Pill>
        )}
        {found.group_id && (
          <Link className="mono" to={`/security-groups/${encodeURIComponent(found.group_id)}`}>
            {found.group_id}
          </Link>
        )}
      </p>
      {found.reason && (
        <p className="record-why">
          <WithGroups text={found.reason} />
        </p>
      )}
      {found.agrees === false && (
        <div className="notice warn">
          Today's rules would decide otherwise: they were changed since, or do not tell all.
        </div>
      )}
      {found.steps.length > 0 && <Steps steps={found.steps} />}
      {found.fix && (
        <div className="notice">
          <span>
            <b>To let it through: </b>
            {found.fix}
          </span>
        </div>
      )}
      {found.notes.map((note) => (
        <p key={note} className="quiet-text">
          {note}
        </p>
      ))}
    </>
  );
}

const VERDICTS = {
  accept: { icon: Check, word: "allowed", kind: "accept" },
  reject: { icon: Ban, word: "refused", kind: "reject" },
  unknown: { icon: CircleHelp, word: "not known", kind: "none" },
};

function Steps({ steps }: { steps: StepShown[] }) {
  return (
    <ol className="record-steps" aria-label="Stations on the way">
      {steps.map((step, index) => {
        const verdict = VERDICTS[step.verdict];
        const Icon = step.reached ? verdict.icon : Minus;
        const kind = step.reached ? verdict.kind : "none";
        const station = step.station === "security-group" ? "security group" : "network ACL";
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: stations are in order and never move
          <li key={index} className={step.reached ? kind : "skipped"}>
            <Icon size={14} className={`outcome ${kind}`} aria-hidden />
            <span>
              <b>{step.leg === "request" ? "Request" : "Reply"}</b> {step.direction} at{" "}
              <span className="mono">{step.interface_name || step.interface_id}</span>, {station}:{" "}
              {step.reached ? verdict.word : "not reached"}
              {step.reached && step.reason && (
                <span className="quiet-text">
                  . <WithGroups text={step.reason} />
                </span>
              )}
            </span>
          </li>
        );
      })}
    </ol>
  );
}

/** A text in which security groups are links. */
function WithGroups({ text }: { text: string }) {
  return text.split(/(\bsg-[0-9a-z]+)/).map((part, at) =>
    at % 2 === 0 ? (
      part
    ) : (
      // biome-ignore lint/suspicious/noArrayIndexKey: parts of one text never move
      <Link key={at} to={`/security-groups/${encodeURIComponent(part)}`}>
        {part}
      </Link>
    ),
  );
}
