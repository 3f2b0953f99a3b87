import { ChevronLeft } from "lucide-react";
import { useEffect, useMemo, useRef, useState } from "react";
import { session } from "../../api/client";
import { useJson } from "../../api/hooks";
import type { Destinations, FlowLogFields, Health } from "../../api/schema";
import { ThemeButton } from "../../app/actions";
import { Link } from "../../app/Link";
import { Page } from "../../app/Page";
import { useMay } from "../../app/session";
import { useUrlParam } from "../../state/location";
import { EmptyState } from "../../ui/State";
import { DestinationStep } from "./DestinationStep";
import { type Draft, newDraft, orderOf, type Part } from "./draft";
import { FormatStep } from "./FormatStep";
import { ResourceStep } from "./ResourceStep";
import { Result } from "./Result";
import { RoleStep } from "./RoleStep";
import { Summary } from "./Summary";
import { TagsStep } from "./TagsStep";
import { TrafficStep } from "./TrafficStep";
import { useCheck, usePlan, usePreview } from "./useCheck";
import { type Problem, useCreation } from "./useCreation";
import { useNetwork } from "./useNetwork";
import "../flowLogs/flowLogs.css";
import "./wizard.css";

/** Makes flow logs: all steps on one page, with what it costs beside them. */
export default function FlowLogWizardPage() {
  const may = useMay("flow_logs_create");
  const actions = <ThemeButton />;
  return (
    <Page title="Create flow log" actions={actions}>
      <p className="back">
        <Link to="/flow-logs">
          <ChevronLeft size={14} aria-hidden />
          Flow logs
        </Link>
      </p>
      {may ? (
        <Wizard />
      ) : (
        <EmptyState title="You may not create flow logs">
          It needs ec2:CreateFlowLogs, and iam:PassRole for a log group or logs:CreateLogDelivery
          for a bucket or stream. Ask whoever manages your account.
        </EmptyState>
      )}
    </Page>
  );
}

function Wizard() {
  const [resource] = useUrlParam("resource");
  const [draft, setDraft] = useState(() => newDraft(resource));
  const order = useMemo(() => orderOf(draft), [draft]);
  const creation = useCreation(draft, order);
  const endpoint = useEndpoint();
  const accountId = session.use()?.account_id ?? "";
  const network = useNetwork();
  const destinations = useJson<Destinations>("/destinations");
  const fields = useJson<FlowLogFields>("/flow-log-fields");
  const check = useCheck(order);
  const format = draft.custom ? draft.format : (fields.data?.default_format ?? "");
  const preview = usePreview(format, draft.resources[0] ?? "");
  const usable = !draft.custom || (preview.fresh && preview.data?.error === "");
  const plan = usePlan(order, usable);
  const change = (part: Partial<Draft>) => setDraft((before) => ({ ...before, ...part }));
  const { result, problems } = creation;
  const errors = (part: Part) => problems.filter((one) => one.part === part).map((one) => one.text);
  if (result) {
    const back = (left: string[]) => {
      creation.again();
      change({ resources: left });
    };
    return <Result result={result} resources={draft.resources} onBack={back} />;
  }
  const common = { draft, change };
  const ofRole = { destinations, check, endpoint, accountId };
  return (
    <div className="wizard">
      <form
        className="stack"
        aria-label="Create flow log"
        onSubmit={(event) => event.preventDefault()}
        noValidate
      >
        {problems.length > 0 && <ErrorSummary box={creation.errorBox} problems={problems} />}
        <ResourceStep {...common} network={network} errors={errors("resources")} />
        <TrafficStep {...common} errors={errors("traffic")} />
        <DestinationStep {...common} destinations={destinations} errors={errors("destination")} />
        <RoleStep {...common} {...ofRole} errors={errors("role")} />
        <FormatStep {...common} fields={fields} preview={preview} errors={errors("format")} />
        <TagsStep {...common} errors={errors("tags")} />
      </form>
      <Summary
        draft={draft}
        plan={plan}
        gaps={creation.gaps}
        ready={check.fresh ? check.data?.ok : undefined}
        sending={creation.sending}
        endpoint={endpoint}
        onCreate={creation.create}
      />
    </div>
  );
}

function useEndpoint() {
  const { data } = useJson<Health>("/health");
  const region = session.use()?.region ?? "";
  return useMemo(
    () => (data?.endpoint ? { url: data.endpoint, region } : undefined),
    [data?.endpoint, region],
  );
}

function ErrorSummary(props: { box: React.RefObject<HTMLElement | null>; problems: Problem[] }) {
  const { box, problems } = props;
  const first = useRef(true);
  useEffect(() => {
    if (first.current) box.current?.focus();
    first.current = false;
  }, [box]);
  const go = (part: Part) => {
    const step = document.getElementById(`step-${part}`);
    step?.scrollIntoView({ block: "start" });
    (step?.querySelector<HTMLElement>("input, textarea, button") ?? step)?.focus();
  };
  return (
    <section
      ref={box}
      className="error-summary"
      role="alert"
      tabIndex={-1}
      aria-label="What is to be mended"
    >
      <strong>The flow log was not made</strong>
      <ul>
        {problems.map(({ part, text }) => (
          <li key={text}>
            {part ? (
              <button type="button" className="link" onClick={() => go(part)}>
                {text}
              </button>
            ) : (
              text
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}
