import type { Fault } from "../api/fault";
import { ErrorState } from "../ui/State";
import { Mark } from "./Mark";

/** What stands there until the server says who is signed in. */
export function Starting({ fault }: { fault: Fault | undefined }) {
  if (!fault) return <div className="page-loading" aria-busy="true" />;
  return (
    <main className="sign-in">
      <div className="sign-in-box">
        <Mark />
        <ErrorState fault={fault} onRetry={() => window.location.reload()} />
      </div>
    </main>
  );
}
