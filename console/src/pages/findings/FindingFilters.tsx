import type { Finding } from "../../api/findings";
import { Segmented } from "../../ui/Choice";
import { Switch } from "../../ui/Field";
import { kindName, SEVERITIES, severityWords } from "./words";

interface FindingFiltersProps {
  visible: readonly Finding[];
  severity: string;
  setSeverity: (severity: string | null) => void;
  kind: string;
  setKind: (kind: string | null) => void;
  muted: number;
  withMuted: boolean;
  setWithMuted: (on: boolean) => void;
}

/** Which findings are listed: by severity, by kind, with the muted ones. */
export function FindingFilters({ visible, severity, kind, ...rest }: FindingFiltersProps) {
  const severities = SEVERITIES.filter(
    (one) => one === severity || visible.some((finding) => finding.severity === one),
  );
  const kinds = [...new Set([...visible.map((one) => one.kind as string), kind])].filter(Boolean);
  const count = (test: (finding: Finding) => boolean) => visible.filter(test).length;
  return (
    <div className="finding-filters">
      <Segmented
        label="Severity"
        value={severity}
        onChange={(next) => rest.setSeverity(next || null)}
        options={[
          { value: "", label: `All ${visible.length}` },
          ...severities.map((one) => ({
            value: one,
            label: `${severityWords(one).name} ${count((finding) => finding.severity === one)}`,
          })),
        ]}
      />
      {kinds.length > 1 && (
        <Segmented
          label="Kind"
          value={kind}
          onChange={(next) => rest.setKind(next || null)}
          options={[
            { value: "", label: "All kinds" },
            ...kinds.map((one) => ({ value: one, label: kindName(one) })),
          ]}
        />
      )}
      <span className="grow" />
      {(rest.muted > 0 || rest.withMuted) && (
        <Switch
          label={`Show ${rest.muted} muted`}
          checked={rest.withMuted}
          onChange={rest.setWithMuted}
        />
      )}
    </div>
  );
}
