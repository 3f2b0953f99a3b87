import { CircleCheck, CircleHelp, CircleX, Copy, Link2 } from "lucide-react";
import { useJson } from "../../api/hooks";
import type { Explained } from "../../api/schema";
import { RangeActions } from "../../app/actions";
import { Page } from "../../app/Page";
import { useNetwork } from "../../network/network";
import { copyLink, useLate } from "../../panels/PanelFrame";
import { setParams, usePlace } from "../../state/location";
import { Button } from "../../ui/Button";
import { copyText } from "../../ui/clipboard";
import { EmptyState, ErrorState, Skeleton } from "../../ui/State";
import { type Flow, FlowForm, faultsOf, hasPorts, protocolName } from "./FlowForm";
import { fixCommand, sentenceOf } from "./fix";
import { RecordsOfPair } from "./RecordsOfPair";
import { Stations } from "./Stations";
import "./explain.css";

const FIELDS = ["source", "sport", "destination", "dport", "protocol", "vpc"] as const;

/** Why a flow gets through or not, by the rules as they are now. */
export default function ExplainPage() {
  const flow = useFlow();
  const { network, asked: inventory } = useNetwork();
  const whole = Object.keys(faultsOf(flow)).length === 0;
  const params = Object.fromEntries(
    FIELDS.filter((name) => flow[name] && (hasPorts(flow.protocol) || !/port/.test(name))).map(
      (name) => [name, flow[name]],
    ),
  );
  const asked = useJson<Explained>(whole ? "/explain" : null, params);
  const begun = Boolean(flow.source || flow.destination);
  return (
    <Page
      title="Why was this rejected?"
      subtitle="by the rules as they are now"
      actions={<RangeActions />}
      className="explain-page"
    >
      <div className="stack">
        <FlowForm
          flow={flow}
          network={network}
          busy={asked.loading}
          onFlow={(next) => setParams(Object.fromEntries(FIELDS.map((key) => [key, next[key]])))}
        />
        {whole ? (
          <>
            <Result asked={asked} />
            <RecordsOfPair flow={flow} />
          </>
        ) : inventory.data && network.interfaces.size === 0 ? (
          <EmptyState title="No inventory yet">
            Rules are known of interfaces that are set up: with an inventory file (
            <span className="mono">vpcflow run --inventory FILE</span>) or by the AWS API.
          </EmptyState>
        ) : (
          <EmptyState title={begun ? "Something of the flow is missing" : "Which flow?"}>
            Give two addresses, a port and a protocol; one of the addresses must be an interface's.
            The answer names each security group and network ACL on the way, and the rule that
            decided.
          </EmptyState>
        )}
      </div>
    </Page>
  );
}

/** The flow that the address says. */
function useFlow(): Flow {
  const query = new URLSearchParams(usePlace().query);
  const value = (name: string) => query.get(name)?.trim() ?? "";
  return {
    source: value("source"),
    sport: value("sport"),
    destination: value("destination"),
    dport: value("dport"),
    protocol: protocolName(value("protocol") || "tcp"),
    vpc: value("vpc"),
  };
}

const VERDICTS = {
  accept: { icon: <CircleCheck size={20} />, title: "It gets through" },
  reject: { icon: <CircleX size={20} />, title: "It is refused" },
  unknown: { icon: <CircleHelp size={20} />, title: "It cannot be told" },
};

function Result({ asked }: { asked: ReturnType<typeof useJson<Explained>> }) {
  const late = useLate(asked.loading);
  if (asked.fault) return <ErrorState fault={asked.fault} onRetry={asked.retry} />;
  if (!asked.data) return late ? <Skeleton lines={6} /> : null;
  const explained = asked.data;
  const { icon, title } = VERDICTS[explained.verdict];
  return (
    <section
      className={`card explain-result ${late ? "dimmed" : ""}`}
      aria-label="Verdict"
      aria-live="polite"
    >
      <header className={`verdict ${explained.verdict}`}>
        {icon}
        <div>
          <h2>{title}</h2>
          <p>{sentenceOf(explained)}</p>
          <p className="mono quiet-text">{explained.flow}</p>
        </div>
        <Button size="sm" icon={<Link2 size={13} />} onClick={() => copyLink(window.location.href)}>
          Copy link
        </Button>
      </header>
      <Stations explained={explained} />
      <Fix explained={explained} />
      {explained.notes.length > 0 && (
        <p className="quiet-text explain-notes">{explained.notes.join(" ")}</p>
      )}
    </section>
  );
}

function Fix({ explained }: { explained: Explained }) {
  if (!explained.fix) return null;
  const command = fixCommand(explained);
  return (
    <section className="explain-fix" aria-label="What to change">
      <h3>What to change, if it should pass</h3>
      <p>{explained.fix}</p>
      {command && (
        <div className="command">
          <pre className="mono">{command}</pre>
          <Button
            size="sm"
            icon={<Copy size={13} />}
            onClick={() => copyText(command, "Copied the command")}
          >
            Copy
          </Button>
        </div>
      )}
    </section>
  );
}
