import { LogOut, Pin, UserRound } from "lucide-react";
import { session, signOut } from "../api/client";
import { faultOf } from "../api/fault";
import { usePlace } from "../state/location";
import { usePins } from "../state/pins";
import { Menu } from "../ui/Menu";
import { toast } from "../ui/Toast";
import { Link } from "./Link";
import { Mark } from "./Mark";
import { isWithin, MANUAL, NAVIGATION } from "./navigation";
import { useOpenFindings, usePulse } from "./pulse";

/** The navigation at the left: pages, who is signed in, how the server does. */
export function Sidebar({ onFollow }: { onFollow?: () => void }) {
  const { path } = usePlace();
  const findings = useOpenFindings();
  return (
    <>
      <Link
        to="/dashboards/overview"
        className="brand"
        onClick={onFollow}
        aria-label="vpcflow: overview"
      >
        <Mark />
      </Link>
      <div className="nav-list">
        {NAVIGATION.map((group) => (
          <div key={group.title ?? "main"} className="nav-group">
            {group.title && <h2>{group.title}</h2>}
            {group.entries.map((entry) => (
              <Link
                key={entry.path}
                to={entry.path === "/dashboards" ? "/dashboards/overview" : entry.path}
                className="nav"
                aria-current={isWithin(entry, path) ? "page" : undefined}
                onClick={onFollow}
              >
                <entry.icon size={16} aria-hidden />
                {entry.label}
                {entry.path === "/findings" && findings.count > 0 ? (
                  <span className={`nav-count num ${findings.grave ? "" : "calm"}`}>
                    {findings.count}
                    <span className="sr"> open</span>
                  </span>
                ) : null}
              </Link>
            ))}
            {group.title === null && <Pinned onFollow={onFollow} />}
            {group.title === "Manage" && (
              <a className="nav" href={MANUAL.path}>
                <MANUAL.icon size={16} aria-hidden />
                {MANUAL.label}
              </a>
            )}
          </div>
        ))}
      </div>
      <Foot />
    </>
  );
}

/** The dashboards that this browser's reader pinned. */
function Pinned({ onFollow }: { onFollow?: () => void }) {
  const pins = usePins();
  const { path } = usePlace();
  if (pins.length === 0) return null;
  return (
    <>
      <h2>Pinned</h2>
      {pins.map(({ id, title }) => (
        <Link
          key={id}
          to={`/dashboards/${id}`}
          className="nav"
          aria-current={path === `/dashboards/${id}` ? "page" : undefined}
          onClick={onFollow}
        >
          <Pin size={15} aria-hidden />
          <span className="nav-text">{title}</span>
        </Link>
      ))}
    </>
  );
}

function Foot() {
  const pulse = usePulse();
  return (
    <div className="side-foot">
      <Link to="/health" className="pulse">
        <span>
          <span className={`dot ${pulse.tone}`} />
          {pulse.state}
        </span>
        <span className="num">{pulse.stored}</span>
      </Link>
      <Account />
    </div>
  );
}

function Account() {
  const known = session.use();
  const name = known?.name || known?.arn?.split("/").pop() || "root";
  const leave = () => signOut().catch((error) => toast(faultOf(error).message, { kind: "error" }));
  return (
    <Menu
      label={`Signed in as ${name}`}
      align="start"
      buttonClass="account"
      items={[{ label: "Sign out", icon: <LogOut size={14} />, onSelect: leave }]}
    >
      <UserRound size={14} aria-hidden />
      <span className="account-name">{name}</span>
      <span className="account-id num">{known?.account_id}</span>
    </Menu>
  );
}
