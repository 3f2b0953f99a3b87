import { Moon, Share2, Sun } from "lucide-react";
import { copyLink } from "../panels/PanelFrame";
import { permalink, useRange } from "../state/range";
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
