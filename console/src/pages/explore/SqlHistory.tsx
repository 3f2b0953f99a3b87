import { Pencil, Play, Trash2 } from "lucide-react";
import { serverNow } from "../../state/clock";
import { formatAgo, formatCount } from "../../time/format";
import { Button, IconButton } from "../../ui/Button";
import { Drawer } from "../../ui/Dialog";
import { EmptyState } from "../../ui/State";
import { elapsedText } from "./ScanLine";
import { forget, type PastQuery, useHistory } from "./sqlHistory";

interface SqlHistoryProps {
  onRun: (sql: string) => void;
  onEdit: (sql: string) => void;
  onClose: () => void;
}

/** The last queries of this browser: run one again, or take it into the editor. */
export function SqlHistory({ onRun, onEdit, onClose }: SqlHistoryProps) {
  const past = useHistory();
  const footer = past.length > 0 && (
    <Button kind="quiet" onClick={() => forget()}>
      Forget all
    </Button>
  );
  return (
    <Drawer title="Queries of this browser" onClose={onClose} size="lg" footer={footer}>
      {!past.length && (
        <EmptyState title="No query was run here yet" action={<span />}>
          The last hundred are kept in this browser only.
        </EmptyState>
      )}
      <ul className="sql-history">
        {past.map((query) => (
          <li key={query.text}>
            <pre>{query.text}</pre>
            <div className="row">
              <span className="quiet-text num">{figuresOf(query)}</span>
              {query.fault && <span className="reject-text">{query.fault}</span>}
              <span className="grow" />
              <IconButton
                label="Run again"
                icon={<Play size={14} />}
                onClick={() => {
                  onRun(query.text);
                  onClose();
                }}
              />
              <IconButton
                label="Take into the editor"
                icon={<Pencil size={14} />}
                onClick={() => {
                  onEdit(query.text);
                  onClose();
                }}
              />
              <IconButton
                label="Forget"
                icon={<Trash2 size={14} />}
                onClick={() => forget(query.text)}
              />
            </div>
          </li>
        ))}
      </ul>
    </Drawer>
  );
}

function figuresOf({ at, rows, elapsed_s }: PastQuery): string {
  const parts = [formatAgo(at, serverNow())];
  if (rows !== undefined) parts.push(`${formatCount(rows)} rows`);
  if (elapsed_s !== undefined) parts.push(elapsedText(elapsed_s));
  return parts.join(", ");
}
