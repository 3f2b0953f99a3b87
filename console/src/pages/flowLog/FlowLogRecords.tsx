import { Radio } from "lucide-react";
import { useMemo } from "react";
import { useAnswer } from "../../api/hooks";
import type { FlowLogDetail } from "../../api/schema";
import { AnswerTable } from "../../panels/AnswerTable";
import { PanelFrame } from "../../panels/PanelFrame";
import { useEvery } from "../../state/every";
import { hrefOf, navigate } from "../../state/location";
import { Button } from "../../ui/Button";
import { filterOf } from "../flowLogs/records";

/** Records shown, and how often they are asked for while there are none, and then. */
const SHOWN = 12;
const FIELDS = "start,srcaddr,srcport,dstaddr,dstport,protocol,bytes,action,log-status";
const WAITING_MS = 3_000;
const AGAIN_MS = 15_000;
/** Open at the end: a record that begins now is of this flow log. */
const FOREVER_S = 4_102_444_800;

/** The newest records of a flow log, since it was made. */
export function FlowLogRecords({ flowLog }: { flowLog: FlowLogDetail }) {
  const filter = filterOf(flowLog);
  const range = useMemo(() => ({ start: flowLog.created_s, end: FOREVER_S }), [flowLog.created_s]);
  const asked = useAnswer(
    "flows",
    { limit: SHOWN, fields: FIELDS },
    { range, filter, pageFilter: false },
  );
  const none = asked.data?.rows === 0;
  useEvery(none ? WAITING_MS : AGAIN_MS, asked.retry);
  const toLive = () => navigate(hrefOf("/live", { filter }));
  return (
    <PanelFrame
      title="Its records"
      hint={none ? "none yet" : `the newest ${SHOWN} since it was made`}
      asked={asked.data ? { ...asked, loading: false } : asked}
      answer={asked.data}
      emptyTitle="No records yet"
      emptyText="Records of its resource appear here as soon as there is traffic and their interval has ended."
      explore={`/explore?filter=${encodeURIComponent(filter)}`}
      tools={
        <Button size="sm" icon={<Radio size={13} />} onClick={toLive}>
          Live tail
        </Button>
      }
      scrolls
    >
      {asked.data && <AnswerTable label="Newest records of this flow log" answer={asked.data} />}
    </PanelFrame>
  );
}
