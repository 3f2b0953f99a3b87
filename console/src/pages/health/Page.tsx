import { CircleCheck } from "lucide-react";
import { type Asked, useJson } from "../../api/hooks";
import type { Health, HealthProblem } from "../../api/schema";
import { ThemeButton } from "../../app/actions";
import { Link } from "../../app/Link";
import { Page } from "../../app/Page";
import { useEvery } from "../../state/every";
import { ErrorState, Pill, Skeleton } from "../../ui/State";
import { CaptureCard, DeliveryCard, RecordsCard } from "./FlowCards";
import { EndpointCard, FactsCard, LossesCard, StorageCard } from "./HouseCards";
import "./health.css";

const AGAIN_MS = 5_000;
const STATES = {
  ok: ["ok", "All is well"],
  warning: ["warn", "Needs a look"],
  critical: ["crit", "Needs help"],
} as const;

/** How vpcflow itself fares. */
export default function HealthPage() {
  const asked = useJson<Health>("/health");
  useEvery(AGAIN_MS, asked.retry);
  const state = asked.data && STATES[asked.data.status];
  return (
    <Page
      title="Health"
      subtitle={state && <Pill tone={state[0]}>{state[1]}</Pill>}
      actions={<ThemeButton />}
    >
      <Body asked={asked} />
    </Page>
  );
}

function Body({ asked }: { asked: Asked<Health> }) {
  const { data, fault } = asked;
  if (!data) return fault ? <ErrorState fault={fault} onRetry={asked.retry} /> : <Skeleton />;
  return (
    <div className="stack">
      {fault && (
        <p className="notice warn" role="alert">
          {fault.message} What you see is from before.
        </p>
      )}
      <Problems health={data} />
      <div className="health-grid">
        <CaptureCard health={data} />
        <RecordsCard health={data} />
        <DeliveryCard health={data} />
        <StorageCard health={data} />
        <LossesCard health={data} />
        <EndpointCard health={data} />
      </div>
      <FactsCard health={data} />
    </div>
  );
}

/** Where a problem of a part is looked into. */
const PLACES: Record<string, [string, string]> = {
  delivery: ["/flow-logs?status=attention", "Flow logs"],
  storage: ["/settings?tab=retention", "Retention"],
};

function Problems({ health }: { health: Health }) {
  if (!health.problems.length) {
    return (
      <section className="card health-state" aria-label="Problems">
        <CircleCheck size={18} aria-hidden />
        <strong>Nothing needs your attention</strong>
        <p>{sentence(health)}</p>
      </section>
    );
  }
  return (
    <section className="card" aria-label="Problems">
      <h2>
        {health.problems.length} problem{health.problems.length > 1 ? "s" : ""}
      </h2>
      <ul className="health-problems">
        {health.problems.map((problem) => (
          <ProblemLine key={`${problem.part} ${problem.what}`} problem={problem} />
        ))}
      </ul>
    </section>
  );
}

function ProblemLine({ problem }: { problem: HealthProblem }) {
  const place = PLACES[problem.part];
  const tone = problem.severity === "critical" ? "crit" : "warn";
  return (
    <li className={problem.severity}>
      <div>
        <strong>{problem.what}</strong>
        <p>
          {problem.hint}. {place && <Link to={place[0]}>{place[1]}</Link>}
        </p>
      </div>
      <Pill tone={tone}>{problem.severity}</Pill>
    </li>
  );
}

function sentence(health: Health): string {
  const { capture, delivery, losses } = health;
  const failed = delivery.flow_logs.FAILED ?? 0;
  const total = Object.values(delivery.flow_logs).reduce((sum, count) => sum + count, 0);
  const parts = [
    capture.running
      ? `${capture.interfaces} interface${capture.interfaces === 1 ? " is" : "s are"} metered`
      : "nothing is metered here",
    total ? `${total - failed} of ${total} flow logs can deliver` : "there are no flow logs",
    losses.length ? "some was lost" : "nothing was lost since the start",
  ];
  const text = parts.join(", ");
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
