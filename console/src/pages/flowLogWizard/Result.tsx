import { Check, X } from "lucide-react";
import { useEffect, useRef } from "react";
import type { FlowLogsCreated } from "../../api/schema";
import { Link } from "../../app/Link";
import { hrefOf, navigate } from "../../state/location";
import { Button } from "../../ui/Button";

export interface ResultProps {
  result: FlowLogsCreated;
  resources: string[];
  onBack: (left: string[]) => void;
}

/** What was made, and what was not and why. */
export function Result({ result, resources, onBack }: ResultProps) {
  const box = useRef<HTMLElement>(null);
  const failed = new Set(result.unsuccessful.map((one) => one.resource_id));
  // The server answers ids in the order of the resources that got one.
  const made = resources.filter((id) => !failed.has(id));
  useEffect(() => box.current?.focus(), []);
  const some = result.flow_log_ids.length;
  const title = !some
    ? "No flow log was made"
    : failed.size
      ? `${some} made, ${failed.size} not`
      : `${some} flow logs made`;
  return (
    <section ref={box} className="card result" tabIndex={-1} aria-label={title}>
      <h2>{title}</h2>
      <ul className="check-steps">
        {result.flow_log_ids.map((id, index) => (
          <li key={id} className="ok">
            <Check size={14} aria-hidden />
            <span>
              <span className="mono">{made[index] ?? ""}</span>{" "}
              <Link to={`/flow-logs/${id}`}>{id}</Link>
            </span>
          </li>
        ))}
        {result.unsuccessful.map((one) => (
          <li key={one.resource_id} className="crit">
            <X size={14} aria-hidden />
            <span>
              <span className="mono">{one.resource_id}</span> {one.message}{" "}
              <span className="quiet-text">{one.code}</span>
            </span>
          </li>
        ))}
      </ul>
      <div className="row">
        {failed.size > 0 && (
          <Button kind={some ? "plain" : "primary"} onClick={() => onBack([...failed])}>
            Change and try again
          </Button>
        )}
        <Button
          kind={some ? "primary" : "plain"}
          onClick={() =>
            navigate(hrefOf(some ? `/flow-logs/${result.flow_log_ids[0]}` : "/flow-logs"))
          }
        >
          {some ? "See the first records" : "To the list"}
        </Button>
      </div>
    </section>
  );
}
