import { useAnswer } from "../../api/hooks";
import { AnswerTable } from "../../panels/AnswerTable";
import { PanelFrame } from "../../panels/PanelFrame";
import { useRange } from "../../state/range";
import { type Flow, hasPorts } from "./FlowForm";

const RECORDS_SHOWN = 50;
const NUMBERS: Record<string, string> = { tcp: "6", udp: "17", icmp: "1", icmpv6: "58" };

/** The records of two addresses, protocol and the service's port, in the filter language. */
export function pairFilter(flow: Flow): string {
  const terms = [
    `addr = ${flow.source}`,
    `addr = ${flow.destination}`,
    `protocol = ${NUMBERS[flow.protocol] ?? flow.protocol}`,
  ];
  if (hasPorts(flow.protocol)) terms.push(`port = ${flow.dport}`);
  return terms.join(" and ");
}

/** What was recorded of a flow in the page's range. */
export function RecordsOfPair({ flow }: { flow: Flow }) {
  const range = useRange();
  const filter = pairFilter(flow);
  const asked = useAnswer("flows", { limit: RECORDS_SHOWN }, { filter, pageFilter: false });
  return (
    <div className="explain-records">
      <PanelFrame
        title="Recent records of this pair"
        hint={range.label}
        asked={asked}
        answer={asked.data}
        emptyTitle="No records of this pair in this range"
        emptyText="A wider range may have some; the answer above does not need any."
        explore={`/explore?filter=${encodeURIComponent(filter)}`}
        scrolls
      >
        {asked.data && <AnswerTable label="Recent records of this pair" answer={asked.data} />}
      </PanelFrame>
    </div>
  );
}
