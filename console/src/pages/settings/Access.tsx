import { LogOut } from "lucide-react";
import { session, signOut } from "../../api/client";
import { type Asked, useJson } from "../../api/hooks";
import type { Health } from "../../api/schema";
import { Button } from "../../ui/Button";
import { CopyBlock } from "../../ui/CopyBlock";
import { Pill } from "../../ui/State";
import { toast } from "../../ui/Toast";

const RIGHTS: Record<string, string> = {
  query: "ask of records",
  tail: "live tail",
  flow_logs_create: "create flow logs",
  flow_logs_delete: "delete flow logs",
  dashboards_write: "change dashboards",
  quarantine: "see the quarantine",
  settings: "see the settings",
};
const PROFILE = "vpcflow";

/** Who is signed in, and how the AWS CLI gets at the same. */
export function Access() {
  const who = session.use();
  const health = useJson<Health>("/health");
  const url = health.data?.endpoint ?? "";
  const region = who?.region ?? "us-east-1";
  const may = new Set(who?.may ?? []);
  const leave = () =>
    signOut().catch(() => toast("The server did not answer: still signed in", { kind: "error" }));
  return (
    <div className="s-cards">
      <section className="card stack" aria-label="Session">
        <h2>Session</h2>
        <dl className="facts">
          <dt>User</dt>
          <dd>{who?.name}</dd>
          <dt>ARN</dt>
          <dd className="mono">{who?.arn}</dd>
          <dt>Account</dt>
          <dd className="mono">{who?.account_id}</dd>
          <dt>Region</dt>
          <dd className="mono">{who?.region}</dd>
          <dt>May</dt>
          <dd className="row">
            {Object.entries(RIGHTS).map(([right, words]) => (
              <Pill key={right} tone={may.has(right) ? "ok" : "plain"}>
                {may.has(right) ? words : `not ${words}`}
              </Pill>
            ))}
          </dd>
          <dt>Version</dt>
          <dd>vpcflow {who?.version}</dd>
        </dl>
        <div>
          <Button icon={<LogOut size={14} />} onClick={leave}>
            Sign out
          </Button>
        </div>
      </section>
      <section className="card stack" aria-label="AWS CLI">
        <h2>AWS CLI and SDKs</h2>
        {url ? (
          <>
            <dl className="facts">
              <dt>Endpoint</dt>
              <dd className="mono">{url}</dd>
            </dl>
            <div className="stack">
              <p className="quiet-text">
                A profile named {PROFILE}; keys are asked for. A user's key is made with{" "}
                <code>aws iam create-access-key</code>.
              </p>
              <CopyBlock label="the profile's commands" text={profileCommands(url, region)} />
              <p className="quiet-text">Or for one shell:</p>
              <CopyBlock
                label="the variables"
                text={`export AWS_ENDPOINT_URL=${url} AWS_DEFAULT_REGION=${region}\nexport AWS_PROFILE=${PROFILE}`}
              />
            </div>
          </>
        ) : (
          <p className="quiet-text">{withoutUrl(health)}</p>
        )}
      </section>
    </div>
  );
}

/** Why no address of the endpoint is known. */
function withoutUrl({ data, fault }: Asked<Health>): string {
  if (fault?.status === 403) return "Its address is told to who may do vpcflow:GetStatus.";
  if (fault) return fault.message;
  return data ? "The AWS endpoint does not run here." : "";
}

function profileCommands(url: string, region: string): string {
  return [
    `aws configure set endpoint_url ${url} --profile ${PROFILE}`,
    `aws configure set region ${region} --profile ${PROFILE}`,
    `aws configure --profile ${PROFILE}`,
    `aws --profile ${PROFILE} sts get-caller-identity`,
  ].join("\n");
}
