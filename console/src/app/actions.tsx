import { Moon, Share2, Sun } from "lucide-react";
import { copyLink } from "../panels/PanelFrame";
import { permalink, useCompare, useRange } from "../state/range";
import { flipTheme, useTheme } from "../state/theme";
import { RangePicker, RefreshMenu } from "../time/RangePicker";
import { IconButton } from "../ui/Button";

/** Changes between dark and light. */
export function ThemeButton() {
  const theme = useTheme();
  return (
    <IconButton
      kind="plain"
      label={theme === "dark" ? "Use the light theme" : "Use the dark theme"}
      icon={theme === "dark" ? <Sun size={15} /> : <Moon size={15} />}
      onClick={flipTheme}
    />
  );
}

/** Copies an address that shows others the same. */
export function ShareButton() {
  const range = useRange();
  return (
    <IconButton
      kind="plain"
      label="Copy a link to this view"
      icon={<Share2 size={15} />}
      onClick={() => copyLink(permalink(range))}
    />
  );
}

/** Compares with the time before: beside the page's filter. */
export function CompareToggle() {
  const { on, toggle, label } = useCompare();
  return (
    <button type="button" className="btn compare" aria-pressed={on} onClick={toggle}>
      Compare to <span className="k">{label}</span>
    </button>
  );
}

/** What pages on records have at the right of their title: range, refresh, share, theme. */
export function RangeActions() {
  return (
    <>
      <RangePicker />
      <RefreshMenu />
      <ShareButton />
      <ThemeButton />
    </>
  );
}
