import { ThemeButton } from "../../app/actions";
import { Page } from "../../app/Page";
import { useUrlParam } from "../../state/location";
import { Tabs } from "../../ui/Choice";
import { Access } from "./Access";
import { Preferences } from "./Preferences";
import { RetentionPlan } from "./RetentionPlan";
import { ServerSettings } from "./ServerSettings";
import "../sources/sources.css";
import "./settings.css";

const TABS = [
  { value: "browser", label: "This browser" },
  { value: "access", label: "Access" },
  { value: "server", label: "Server" },
  { value: "retention", label: "Retention" },
];

/** Preferences of this browser, access for the AWS CLI, the server's settings, and what goes when. */
export default function SettingsPage() {
  const [tab, setTab] = useUrlParam("tab", "browser");
  const known = TABS.some(({ value }) => value === tab) ? tab : "browser";
  return (
    <Page title="Settings" className="settings" actions={<ThemeButton />}>
      <Tabs label="Settings" value={known} tabs={TABS} onChange={(next) => setTab(next)}>
        {known === "browser" && <Preferences />}
        {known === "access" && <Access />}
        {known === "server" && <ServerSettings />}
        {known === "retention" && <RetentionPlan />}
      </Tabs>
    </Page>
  );
}
