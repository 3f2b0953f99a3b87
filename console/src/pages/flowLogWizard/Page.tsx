import { ChevronLeft } from "lucide-react";
import { useEffect, useMemo, useRef, useState } from "react";
import { session } from "../../api/client";
import type { Fault } from "../../api/fault";
import { useJson, useSend } from "../../api/hooks";
import type {
  Destinations,
  FlowLogFields,
  FlowLogRefusal,
  FlowLogsCreated,
  Health,
} from "../../api/schema";
import { ThemeButton } from "../../app/actions";
import { Link } from "../../app/Link";
import { Page } from "../../app/Page";
import { useMay } from "../../app/session";
import { hrefOf, navigate, useUrlParam } from "../../state/location";
import { EmptyState } from "../../ui/State";
import { toast } from "../../ui/Toast";
import { DestinationStep } from "./DestinationStep";
import { type Draft, type Gap, gapsOf, newDraft, orderOf, type Part, partOf } from "./draft";
import { FormatStep } from "./FormatStep";
import { ResourceStep } from "./ResourceStep";
import { Result } from "./Result";
import { RoleStep } from "./RoleStep";
import { Summary } from "./Summary";
import { TagsStep } from "./TagsStep";
import { TrafficStep } from "./TrafficStep";
import { useCheck, usePlan, usePreview } from "./useCheck";
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
  const [tried, setTried] = useState(false);
  const [result, setResult] = useState<FlowLogsCreated>();
  const { run, sending, fault } = useSend<FlowLogsCreated>();
  const [asked, setAsked] = useState<{ draft: Draft; refusals: FlowLogRefusal[] }>();
  const errorBox = useRef<HTMLElement>(null);
  const token = useRef(crypto.randomUUID());
  const gaps = useMemo(() => gapsOf(draft), [draft]);
  const order = useMemo(() => orderOf(draft), [draft]);
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
  // What was refused is of the order as it was; a change of it is another one.
  const refused = asked?.draft === draft ? asked.refusals : [];
  const shown = tried ? problemsOf(gaps, asked?.draft === draft ? fault : undefined, refused) : [];
  const errors = (part: Part) => shown.filter((one) => one.part === part).map((one) => one.text);
  const create = async () => {
    setTried(true);
    setAsked({ draft, refusals: [] });
    if (gaps.length) {
      requestAnimationFrame(() => errorBox.current?.focus());
      return;
    }
    const made = await run("POST", "/flow-logs", { ...order, client_token: token.current });
    // A token stands for one order: the next one, or the same mended, needs its own.
    token.current = crypto.randomUUID();
    if (!made) requestAnimationFrame(() => errorBox.current?.focus());
    else if (made.flow_log_ids.length === 1 && !made.unsuccessful.length) {
      toast("The flow log was made");
      navigate(hrefOf(`/flow-logs/${made.flow_log_ids[0]}`));
    } else if (made.flow_log_ids.length) setResult(made);
    else {
      setAsked({ draft, refusals: made.unsuccessful });
      requestAnimationFrame(() => errorBox.current?.focus());
    }
  };
  if (result) {
    const back = (left: string[]) => {
      setResult(undefined);
      setTried(false);
      change({ resources: left });
    };
    return <Result result={result} resources={draft.resources} onBack={back} />;
  }
  const common = { draft, change };
  return (
    <div className="wizard">
      <form
        className="stack"
        aria-label="Create flow log"
        onSubmit={(event) => event.preventDefault()}
        noValidate
      >
        {shown.length > 0 && <ErrorSummary box={errorBox} problems={shown} />}
        <ResourceStep {...common} network={network} errors={errors("resources")} />
        <TrafficStep {...common} errors={errors("traffic")} />
        <DestinationStep {...common} destinations={destinations} errors={errors("destination")} />
        <RoleStep
          {...common}
          destinations={destinations}
          check={check}
          endpoint={endpoint}
          accountId={accountId}
          errors={errors("role")}
        />
        <FormatStep {...common} fields={fields} preview={preview} errors={errors("format")} />
        <TagsStep {...common} errors={errors("tags")} />
      </form>
      <Summary
        draft={draft}
        plan={plan}
        gaps={gaps}
        ready={check.fresh ? check.data?.ok : undefined}
        sending={sending}
        endpoint={endpoint}
        onCreate={create}
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

interface Problem {
  part: Part | undefined;
  text: string;
}

function problemsOf(gaps: Gap[], fault: Fault | undefined, refusals: FlowLogRefusal[]): Problem[] {
  if (gaps.length) return gaps;
  if (fault) return [{ part: partOf(fault.where), text: fault.message }];
  // The same reason for all resources is told once.
  const texts = new Set(refusals.map((one) => one.message));
  if (texts.size === 1) return [...texts].map((text) => ({ part: partOf(text), text }));
  return refusals.map((one) => ({
    part: undefined,
    text: `${one.resource_id}: ${one.message}`,
  }));
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
