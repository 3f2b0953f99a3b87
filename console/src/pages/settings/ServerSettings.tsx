import { useMemo } from "react";
import { useJson } from "../../api/hooks";
import type { SettingsView, SettingView } from "../../api/schema";
import { useMay } from "../../app/session";
import { useUrlParam } from "../../state/location";
import { NONE } from "../../time/format";
import { Button } from "../../ui/Button";
import { Switch } from "../../ui/Field";
import { hasWords, SearchField } from "../../ui/SearchField";
import { EmptyState, ErrorState, Pill, Skeleton } from "../../ui/State";

/** All settings of the server as they are in force. */
export function ServerSettings() {
  const may = useMay("settings");
  if (may) return <AllSettings />;
  return (
    <EmptyState title="You may not see the settings" action={<span />}>
      It needs vpcflow:GetSettings. Ask whoever manages your account.
    </EmptyState>
  );
}

function AllSettings() {
  const asked = useJson<SettingsView>("/settings");
  const [words, setWords] = useUrlParam("q");
  const [changed, setChanged] = useUrlParam("changed");
  const all = asked.data?.settings;
  const parts = useMemo(() => {
    const shown = (all ?? []).filter(
      (one) => fits(one, words) && (changed !== "1" || !one.is_default),
    );
    const found = new Map<string, SettingView[]>();
    for (const one of shown) {
      const part = one.part || "general";
      found.set(part, [...(found.get(part) ?? []), one]);
    }
    return [...found];
  }, [all, words, changed]);
  if (!all) {
    return asked.fault ? <ErrorState fault={asked.fault} onRetry={asked.retry} /> : <Skeleton />;
  }
  const own = all.filter((one) => !one.is_default).length;
  return (
    <div className="stack">
      <div className="s-tools">
        <SearchField
          label="Search settings"
          value={words}
          onChange={(value) => setWords(value, { replace: true })}
        />
        <Switch
          label={`Only the ${own} that were changed`}
          checked={changed === "1"}
          onChange={(on) => setChanged(on ? "1" : null, { replace: true })}
        />
        <span className="quiet-text">
          They are set in vpcflow.toml or by variables, and read at the start.
        </span>
      </div>
      {parts.map(([part, settings]) => (
        <section key={part} className="card s-part" aria-label={part}>
          <h2>{part}</h2>
          <dl>
            {settings.map((one) => (
              <Setting key={one.name} one={one} />
            ))}
          </dl>
        </section>
      ))}
      {!parts.length && (
        <EmptyState
          title="No setting fits"
          action={
            <Button
              size="sm"
              onClick={() => {
                setWords(null, { replace: true });
                setChanged(null, { replace: true });
              }}
            >
              Show all
            </Button>
          }
        >
          {all.length} are there.
        </EmptyState>
      )}
    </div>
  );
}

function fits(one: SettingView, words: string): boolean {
  return hasWords(`${one.name} ${one.variable} ${one.description} ${one.value}`, words);
}

const SOURCES = {
  environment: "from the environment",
  file: "from the file or a flag",
  default: "",
};

function Setting({ one }: { one: SettingView }) {
  return (
    <div className={`s-setting ${one.is_default ? "" : "changed"}`}>
      <dt>
        <strong className="mono">{one.name}</strong>
        <span>{one.description}</span>
        <span className="mono quiet-text">{one.variable}</span>
      </dt>
      <dd>
        <span className="row">
          <span className="mono">{one.secret ? "hidden" : wordOf(one.value)}</span>
          {!one.is_default && <Pill tone="info">{SOURCES[one.source] || "changed"}</Pill>}
        </span>
        {!one.is_default && !one.secret && (
          <span className="quiet-text">
            default <span className="mono">{wordOf(one.default)}</span>
          </span>
        )}
        <span className="quiet-text">
          {one.type}
          {one.bounds && `, ${one.bounds}`}
        </span>
      </dd>
    </div>
  );
}

function wordOf(value: SettingView["value"]): string {
  if (value === null || value === "") return NONE;
  if (Array.isArray(value)) return value.length ? value.join(", ") : NONE;
  if (typeof value === "boolean") return value ? "on" : "off";
  return typeof value === "number" ? value.toLocaleString("en-US") : value;
}
