import { BellOff, BellRing } from "lucide-react";
import { useMemo } from "react";
import type { Finding } from "../../api/findings";
import { mute, unmute } from "../../state/muted";
import { useZone } from "../../state/zone";
import { formatTime } from "../../time/format";
import { IconButton } from "../../ui/Button";
import { Pill } from "../../ui/State";
import { toast } from "../../ui/Toast";
import { kindName, SEVERITIES, severityWords } from "./words";

interface FindingListProps {
  findings: Finding[];
  isMuted: (finding: Finding) => boolean;
  opened: string;
  onOpen: (id: string) => void;
}

/** Findings in groups by severity, the worst first. */
export function FindingList({ findings, ...rest }: FindingListProps) {
  const groups = useMemo(
    () =>
      SEVERITIES.map((severity) => ({
        severity,
        own: findings.filter((one) => one.severity === severity),
      })).filter(({ own }) => own.length > 0),
    [findings],
  );
  return (
    <div className="finding-groups">
      {groups.map(({ severity, own }) => (
        <section key={severity} className="card finding-group" aria-label={severity}>
          <h2>
            {severityWords(severity).name} <span className="num">{own.length}</span>
          </h2>
          <ul>
            {own.map((finding) => (
              <FindingRow key={finding.id} finding={finding} {...rest} />
            ))}
          </ul>
        </section>
      ))}
    </div>
  );
}

interface FindingRowProps extends Omit<FindingListProps, "findings"> {
  finding: Finding;
}

function FindingRow({ finding, isMuted, opened, onOpen }: FindingRowProps) {
  const { tone, name } = severityWords(finding.severity);
  const muted = isMuted(finding);
  const change = () => {
    if (muted) unmute(finding.id);
    else {
      mute(finding);
      const action = { label: "Undo", run: () => unmute(finding.id) };
      toast("Muted in this browser for a day, or until it changes", { action });
    }
  };
  return (
    <li className={`finding-row ${finding.severity} ${muted ? "muted" : ""}`}>
      <button
        type="button"
        className="finding-open"
        aria-expanded={opened === finding.id}
        aria-haspopup="dialog"
        onClick={() => onOpen(finding.id)}
      >
        <span className="finding-words">
          <strong>{finding.title}</strong>
          <span className="finding-said">{finding.evidence}</span>
          <span className="finding-next">{finding.next}</span>
        </span>
        <span className="finding-side">
          <Pill tone={tone}>{name}</Pill>
          <FindingTime finding={finding} />
          <span className="finding-kind">{kindName(finding.kind)}</span>
        </span>
      </button>
      <IconButton
        label={muted ? `Show again: ${finding.title}` : `Mute: ${finding.title}`}
        icon={muted ? <BellRing size={14} /> : <BellOff size={14} />}
        onClick={change}
      />
    </li>
  );
}

function FindingTime({ finding }: { finding: Finding }) {
  const zone = useZone();
  if (finding.start_s === null) return <span className="finding-when">now</span>;
  return <span className="finding-when num">{formatTime(finding.start_s, zone, "minute")}</span>;
}
