import { SearchX } from "lucide-react";
import { useMemo } from "react";
import { useAnswer } from "../../api/hooks";
import { column } from "../../api/types";
import { TermChip } from "../../filter/FilterBox";
import { joinTerms } from "../../filter/terms";
import { serverNow } from "../../state/clock";
import { removeTerm, useFilter } from "../../state/filter";
import { setRange, useRange, zoomedOut } from "../../state/range";
import { formatCount } from "../../time/format";
import { Button } from "../../ui/Button";
import { EmptyState } from "../../ui/State";

/** Parts of a filter that are tried out; each is a question of its own. */
const TRIED_MAX = 6;

/** Says that there are no records, and which part of the filter leaves none. */
export function NothingFound() {
  const { terms } = useFilter();
  const range = useRange();
  const wider = (
    <Button size="sm" onClick={() => setRange(zoomedOut(range, serverNow()))}>
      Look at a wider range
    </Button>
  );
  if (!terms.length) {
    return (
      <EmptyState title="No records in this range" action={wider}>
        The time range above may lie before or after what was captured.
      </EmptyState>
    );
  }
  return (
    <div className="state">
      <SearchX size={20} aria-hidden />
      <strong>No records fit the filter in this range</strong>
      <p>Without one part of the filter there would be:</p>
      <ul className="tried">
        {terms.slice(0, TRIED_MAX).map((term) => (
          <Tried key={term} term={term} terms={terms} />
        ))}
      </ul>
      {wider}
    </div>
  );
}

/** How many records there would be without one part of the filter. */
function Tried({ term, terms }: { term: string; terms: string[] }) {
  const others = joinTerms(terms.filter((other) => other !== term));
  const asked = useAnswer(
    "breakdown",
    { by: "action", limit: 10 },
    { pageFilter: false, filter: others },
  );
  const records = useMemo(
    () => Array.from(column(asked.data, "records")).reduce<number>((sum, n) => sum + Number(n), 0),
    [asked.data],
  );
  const said = asked.fault ? "not known" : asked.data ? `${formatCount(records)} records` : "…";
  return (
    <li>
      <TermChip term={term} />
      <span className="num">{said}</span>
      <Button size="sm" onClick={() => removeTerm(term)} aria-label={`Remove ${term}`}>
        Remove
      </Button>
    </li>
  );
}
