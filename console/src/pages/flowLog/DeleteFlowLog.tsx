import { useState } from "react";
import { send } from "../../api/client";
import { type Fault, faultOf } from "../../api/fault";
import type { FlowLogDetail } from "../../api/schema";
import { hrefOf, navigate } from "../../state/location";
import { Confirm } from "../../ui/Dialog";
import { Checkbox } from "../../ui/Field";
import { toast } from "../../ui/Toast";

/** Asks before a flow log goes. */
export function DeleteFlowLog(props: { flowLog: FlowLogDetail; onClose: () => void }) {
  const { flowLog, onClose } = props;
  const [sending, setSending] = useState(false);
  const [fault, setFault] = useState<Fault>();
  const [sure, setSure] = useState(false);
  const [missed, setMissed] = useState(false);
  const name = flowLog.name || flowLog.id;
  const remove = async () => {
    setMissed(!sure);
    if (!sure) return;
    setSending(true);
    try {
      await send("DELETE", `/flow-logs/${encodeURIComponent(flowLog.id)}`);
      toast(`${name} was deleted`);
      navigate(hrefOf("/flow-logs"));
    } catch (error) {
      setFault(faultOf(error));
      setSending(false);
    }
  };
  return (
    <Confirm
      title={`Delete ${name}?`}
      action="Delete flow log"
      danger
      busy={sending}
      onConfirm={remove}
      onClose={onClose}
    >
      <div className="stack">
        <p>
          Nothing more is delivered to {flowLog.destination.label}. What was delivered stays there.
          This cannot be taken back; a new flow log can be made.
        </p>
        <Checkbox
          checked={sure}
          onChange={(on) => {
            setSure(on);
            setMissed(false);
          }}
          label={
            <>
              Delete <span className="mono">{flowLog.id}</span>
            </>
          }
        />
        {missed && (
          <p className="field-error" role="alert">
            Tick the box first.
          </p>
        )}
        {fault && (
          <p className="field-error" role="alert">
            {fault.message}
          </p>
        )}
      </div>
    </Confirm>
  );
}
