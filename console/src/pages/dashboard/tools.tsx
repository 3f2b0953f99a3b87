import { ArrowUpRight, GitCompareArrows } from "lucide-react";
import { TermChip } from "../../filter/FilterBox";
import { splitTerms } from "../../filter/terms";
import { previousLabel } from "../../panels/PanelCard";
import { hrefOf, navigate, useUrlParam } from "../../state/location";
import { useRange } from "../../state/range";
import { Button } from "../../ui/Button";
import { Tooltip } from "../../ui/Tooltip";

/** Whether the period before is shown too, and its setter. */
export function useCompare(): [boolean, (on: boolean) => void] {
  const [text, set] = useUrlParam("compare", "on");
  return [text !== "off", (on) => set(on ? null : "off", { replace: true })];
}

/** Shows or hides the period before. */
export function CompareButton() {
  const [on, set] = useCompare();
  const range = useRange();
  return (
    <Button
      className="compare-button"
      aria-pressed={on}
      icon={<GitCompareArrows size={14} />}
      onClick={() => set(!on)}
    >
      <span className="wide-only">Compare to </span>
      <span className="k">{previousLabel(range).toLowerCase()}</span>
    </Button>
  );
}

/** Opens the records behind the whole page. */
export function RecordsLink() {
  return (
    <Button
      className="records-button"
      icon={<ArrowUpRight size={14} />}
      onClick={() => navigate(hrefOf("/explore"))}
    >
      Records
    </Button>
  );
}

/** What a dashboard always filters by; it cannot be taken away here. */
export function DashboardFilter({ text }: { text: string }) {
  if (!text) return null;
  return (
    <Tooltip text="This dashboard's own filter; Edit changes it.">
      <span className="own-filter">
        {splitTerms(text).map((term) => (
          <TermChip key={term} term={term} />
        ))}
      </span>
    </Tooltip>
  );
}
