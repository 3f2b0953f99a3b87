import { serverNow } from "../../state/clock";
import { setTheme, useTheme } from "../../state/theme";
import { setZone, useZone } from "../../state/zone";
import { formatTime, zoneName } from "../../time/format";
import { Segmented } from "../../ui/Choice";
import { Combobox } from "../../ui/Combobox";

const ZONES = [
  { value: "utc", label: "UTC" },
  { value: "local", label: "This computer's zone" },
  ...Intl.supportedValuesOf("timeZone").map((zone) => ({ value: zone, label: zone })),
];

/** What this browser remembers of how things are shown. */
export function Preferences() {
  const theme = useTheme();
  const zone = useZone();
  const now = serverNow();
  return (
    <div className="s-cards">
      <section className="card stack" aria-label="Looks">
        <h2>Looks</h2>
        <div className="field">
          <span className="label">Theme</span>
          <div>
            <Segmented
              label="Theme"
              value={theme}
              options={[
                { value: "light", label: "Light" },
                { value: "dark", label: "Dark" },
              ]}
              onChange={(next) => setTheme(next === "dark" ? "dark" : "light")}
            />
          </div>
        </div>
        <p className="quiet-text">Remembered in this browser only.</p>
      </section>
      <section className="card stack" aria-label="Time">
        <h2>Time</h2>
        <Combobox
          label="Time zone"
          value={zone}
          choices={ZONES}
          hint={`Now it is ${formatTime(now, zone)} ${zoneName(zone, now)}.`}
          onChange={setZone}
        />
      </section>
    </div>
  );
}
