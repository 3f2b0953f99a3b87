import { Suspense, useEffect } from "react";
import { useRefreshTimer } from "../state/clock";
import { hrefOf, navigate, usePlace } from "../state/location";
import { useFirstRange } from "../time/RangeNotice";
import { Toasts } from "../ui/Toast";
import { ErrorBoundary } from "./ErrorBoundary";
import { REDIRECTS, routeOf } from "./routes";
import { Shell } from "./Shell";
import { SignIn } from "./SignIn";
import { Starting } from "./Starting";
import { useSession } from "./session";

/** The console: a page by its path, within the shell, for who is signed in. */
export function App() {
  const { session, fault } = useSession();
  return (
    <>
      {!session && <Starting fault={fault} />}
      {session && !session.signed_in && <SignIn />}
      {session?.signed_in && <SignedIn />}
      <Toasts />
    </>
  );
}

function SignedIn() {
  const { path } = usePlace();
  const redirect = REDIRECTS[path];
  useRefreshTimer();
  const ready = useFirstRange();
  useEffect(() => {
    if (redirect) navigate(hrefOf(redirect), { replace: true });
  }, [redirect]);
  const { page: PageOfPath, params } = routeOf(redirect ?? path);
  return (
    <Shell>
      <ErrorBoundary key={path}>
        <Suspense fallback={<div className="page-loading" aria-busy="true" />}>
          {ready && <PageOfPath params={params} />}
        </Suspense>
      </ErrorBoundary>
    </Shell>
  );
}
