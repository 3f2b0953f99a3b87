import type { Fault } from "../../api/fault";
import type { Asked } from "../../api/hooks";
import type { Answer } from "../../api/types";
import { Button } from "../../ui/Button";
import { ErrorState } from "../../ui/State";

/** Whether the question itself was wrong, so that rows from before would mislead. */
export function isWrong(fault: Fault | undefined): boolean {
  return fault !== undefined && fault.status >= 400 && fault.status < 500;
}

/** What went wrong: in place of the rows, or over those from before while the server is away. */
export function FaultOf({ asked }: { asked: Asked<Answer> }) {
  const { fault, data, retry } = asked;
  if (!fault) return null;
  if (!data?.rows || isWrong(fault)) return <ErrorState fault={fault} onRetry={retry} />;
  return (
    <div className="panel-stale" role="alert">
      <span>{fault.message} What you see is from before.</span>
      <Button size="sm" onClick={retry}>
        Retry
      </Button>
    </div>
  );
}
