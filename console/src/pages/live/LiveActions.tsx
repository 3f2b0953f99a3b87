import { Columns3, EllipsisVertical, Eraser, Pause, Play } from "lucide-react";
import type { Answer, AnswerColumn, Cell } from "../../api/types";
import { csvOf, download } from "../../panels/files";
import { Button, IconButton } from "../../ui/Button";
import { Segmented } from "../../ui/Choice";
import { copyText } from "../../ui/clipboard";
import { Menu } from "../../ui/Menu";
import { type Order, rowAt } from "./LiveTable";
import type { LiveTail } from "./tail";

interface LiveActionsProps {
  tail: LiveTail;
  columns: AnswerColumn[];
  paused: boolean;
  rate: string;
  setRate: (rate: string) => void;
  order: Order;
  setOrder: (order: Order) => void;
  onPause: () => void;
  clear: () => void;
  onColumns: () => void;
}

const RATE_OPTIONS = [
  { value: "200", label: "200/s" },
  { value: "1000", label: "1k/s" },
  { value: "5000", label: "5k/s" },
  { value: "20000", label: "All" },
];

/** The buttons of the page: rate, pause, clear, and the rest in a menu. */
export function LiveActions({ tail, columns, paused, order, ...rest }: LiveActionsProps) {
  const csv = () => csvOf(answerOf(tail, columns, order));
  return (
    <>
      <Segmented
        label="Records a second"
        value={rest.rate}
        options={RATE_OPTIONS}
        onChange={rest.setRate}
      />
      <Button
        icon={paused ? <Play size={14} /> : <Pause size={14} />}
        kind={paused ? "primary" : "plain"}
        onClick={rest.onPause}
        title="Space"
        className="live-pause"
        aria-label={paused ? "Resume" : "Pause"}
      >
        <span>{paused ? "Resume" : "Pause"}</span>
      </Button>
      <IconButton kind="plain" label="Clear" icon={<Eraser size={15} />} onClick={rest.clear} />
      <Menu
        label="More"
        buttonClass="btn icon"
        items={[
          { label: "Columns", icon: <Columns3 size={14} />, onSelect: rest.onColumns },
          {
            label: "Newest on top",
            checked: order === "newest",
            separated: true,
            onSelect: () => rest.setOrder("newest"),
          },
          {
            label: "Newest at the end",
            checked: order === "follow",
            onSelect: () => rest.setOrder("follow"),
          },
          {
            label: "Copy the rows as CSV",
            separated: true,
            disabled: !tail.ring.length,
            onSelect: () => copyText(csv()),
          },
          {
            label: "Download the rows as CSV",
            disabled: !tail.ring.length,
            onSelect: () => download("live-tail.csv", new Blob([csv()], { type: "text/csv" })),
          },
        ]}
      >
        <EllipsisVertical size={15} />
      </Menu>
    </>
  );
}

/** The rows of the table as an answer, in their order. */
function answerOf({ ring }: LiveTail, columns: AnswerColumn[], order: Order): Answer {
  const data: Record<string, Cell[]> = {};
  for (const { name } of columns) {
    data[name] = Array.from({ length: ring.length }, (_, place) =>
      ring.cell(rowAt(ring, place, order), name),
    );
  }
  return { columns, rows: ring.length, data } as unknown as Answer;
}
