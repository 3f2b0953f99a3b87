import { CircleAlert, SearchX } from "lucide-react";
import type { ReactNode } from "react";
import type { Fault } from "../api/fault";
import { clearFilter, useFilter } from "../state/filter";
import { Button } from "./Button";

export type Tone = "ok" | "warn" | "crit" | "info" | "plain";

/** A word with a soft fill: a status or a severity. */
export function Pill({ tone = "plain", children }: { tone?: Tone; children: ReactNode }) {
  return <span className={`pill ${tone}`}>{children}</span>;
}

/** Grey bars in the place of what is not there yet. */
export function Skeleton({ lines = 3, height }: { lines?: number; height?: number }) {
  return (
    <div className="skeleton" aria-hidden style={{ height }}>
      {Array.from({ length: lines }, (_, line) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the lines are all alike
        <span key={line} style={{ width: `${92 - ((line * 17) % 45)}%` }} />
      ))}
    </div>
  );
}

export interface EmptyStateProps {
  title?: string;
  children?: ReactNode;
  icon?: ReactNode;
  /** Buttons; without them the page's filter can be cleared here. */
  action?: ReactNode;
}

/** Says that nothing is there, why, and what to do. */
export function EmptyState({ title = "Nothing here", children, icon, action }: EmptyStateProps) {
  const { text, terms } = useFilter();
  const clear = text && (
    <Button size="sm" onClick={clearFilter}>
      {terms.length > 1 ? `Clear ${terms.length} filters` : "Clear the filter"}
    </Button>
  );
  return (
    <div className="state">
      {icon ?? <SearchX size={20} />}
      <strong>{title}</strong>
      {children && <p>{children}</p>}
      {!children && text && (
        <p>
          Filtered by <span className="mono">{text}</span>
        </p>
      )}
      {action ?? clear}
    </div>
  );
}

/** Says what went wrong and offers another try. */
export function ErrorState({ fault, onRetry }: { fault: Fault; onRetry?: () => void }) {
  return (
    <div className="state error" role="alert">
      <CircleAlert size={20} />
      <strong>{fault.message}</strong>
      {(fault.where || fault.hint) && <p>{[fault.where, fault.hint].filter(Boolean).join(": ")}</p>}
      {onRetry && (
        <Button size="sm" onClick={onRetry}>
          Retry
        </Button>
      )}
    </div>
  );
}
