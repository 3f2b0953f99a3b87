import type { Finding } from "../../api/findings";
import { useAnswer, useJson } from "../../api/hooks";
import { rowsOf } from "../../api/types";
import { Link } from "../../app/Link";
import { Bars } from "../../charts/Bars";
import { joinTerms } from "../../filter/terms";
import type { Span } from "../../state/range";
import { formatCount, serviceOf } from "../../time/format";
import { ErrorState, Skeleton } from "../../ui/State";

/** Rows of each little list. */
const TOP = 5;

interface PartProps {
  finding: Finding;
  span: Span;
}

/** The values of a field that the finding's records have most. */
export function TopOf({ title, by, finding, span }: PartProps & { title: string; by: string }) {
  const params = { by, limit: TOP, sort: "rejected" };
  const options = { range: span, filter: finding.filter, pageFilter: false };
  const asked = useAnswer("breakdown", params, options);
  const name = by.replace(/-/g, "_");
  const rows = rowsOf(asked.data).map((row) => {
    const value = String(row[name] ?? "none");
    const known = by === "dstport" ? serviceOf(Number(row[name])) : asked.data?.names[value]?.name;
    const amount = Number(row.records ?? 0);
    return { value, name: known, amount, rejected: Number(row.rejected ?? 0) };
  });
  return (
    <section className="finding-top" aria-label={title}>
      <h3>{title}</h3>
      {asked.fault && <ErrorState fault={asked.fault} onRetry={asked.retry} />}
      {!asked.data && !asked.fault && <Skeleton lines={3} />}
      {asked.data && <Bars rows={rows} kind="count" title={`${title} by records`} />}
    </section>
  );
}

interface RejectedPort {
  port: number | null;
  protocol_name: string;
  records: number;
  rule: string;
  rule_name: string;
  why: string;
  filter: string;
}

/** What refused the records: the rule, and why, for the ports with most of them. */
export function DecidingRules({ finding, span }: PartProps) {
  const asked = useJson<{ ports: RejectedPort[] }>("/rejected-ports", {
    limit: TOP,
    start: span.start,
    end: span.end,
    filter: finding.filter,
  });
  return (
    <section aria-label="What refused them">
      <h3>What refused them</h3>
      {asked.fault && <ErrorState fault={asked.fault} onRetry={asked.retry} />}
      {!asked.data && !asked.fault && <Skeleton lines={3} />}
      {asked.data && (
        <ul className="finding-rules">
          {asked.data.ports.map((one) => (
            <li key={`${one.port} ${one.protocol_name} ${one.rule}`}>
              <Link
                to={`/explore?${new URLSearchParams({
                  filter: joinTerms([finding.filter, one.filter]),
                  start: String(span.start),
                  end: String(span.end),
                })}`}
              >
                <span className="mono">{one.port ?? "no port"}</span>{" "}
                {serviceOf(one.port ?? -1) ?? one.protocol_name}
              </Link>
              <span className="num">{formatCount(one.records)}</span>
              <span className="finding-why">{one.why || one.rule_name || one.rule}</span>
            </li>
          ))}
          {!asked.data.ports.length && <li>No rule is known for them.</li>}
        </ul>
      )}
    </section>
  );
}
