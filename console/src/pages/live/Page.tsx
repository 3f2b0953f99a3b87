import { useState } from "react";
import { ThemeButton } from "../../app/actions";
import { Page } from "../../app/Page";
import { PageFilter } from "../../filter/FilterBox";
import { useFilter } from "../../state/filter";
import { useUrlParam } from "../../state/location";
import { ColumnPicker } from "../explore/ColumnPicker";
import { useColumns } from "../explore/columns";
import { LiveActions } from "./LiveActions";
import "./live.css";
import { GapNotice } from "./GapNotice";
import { LiveTable, type Order } from "./LiveTable";
import { OpenedRecord } from "./OpenedRecord";
import { StatusLine } from "./StatusLine";
import { useLiveColumns, useNames } from "./useLiveColumns";
import { useLiveKeys } from "./useLiveKeys";
import { useTail } from "./useTail";

/** Records a second that one may choose; the last is as fast as they come. */
export const RATES = ["200", "1000", "5000", "20000"];

/** Live tail: records as they arrive. */
export default function LivePage() {
  const { text: filter } = useFilter();
  const [rateText, setRate] = useUrlParam("rate", "1000");
  const [orderText, setOrder] = useUrlParam("order", "newest");
  const rate = RATES.includes(rateText) ? rateText : "1000";
  const order: Order = orderText === "follow" ? "follow" : "newest";
  const [shown, setShown] = useColumns();
  const { columns, fields, asked } = useLiveColumns(shown);
  const names = useNames();
  const tail = useTail({ filter, fields: asked, rate: Number(rate) });
  const [paused, setPaused] = useState(false);
  const [away, setAway] = useState(false);
  const [picking, setPicking] = useState(false);
  const [opened, setOpened] = useState<number | null>(null);
  const hold = (next: { paused?: boolean; away?: boolean }) => {
    const now = { paused, away, ...next };
    if (now.paused !== paused) setPaused(now.paused);
    if (now.away !== away) setAway(now.away);
    tail.hold(now.paused || now.away);
  };
  const clear = () => {
    tail.clear();
    hold({ away: false });
  };
  useLiveKeys({ pause: () => hold({ paused: !paused }), clear });
  return (
    <Page
      title="Live tail"
      subtitle="records as they arrive"
      fill
      rangeless
      className="live-page"
      actions={
        <>
          <LiveActions
            {...{ tail, columns, paused, rate, setRate, order, clear }}
            setOrder={(next) => {
              setOrder(next, { replace: true });
              hold({ away: false });
            }}
            onPause={() => hold({ paused: !paused })}
            onColumns={() => setPicking(true)}
          />
          <ThemeButton />
        </>
      }
      tools={<PageFilter />}
    >
      <StatusLine tail={tail} paused={paused} />
      {tail.gap && <GapNotice gap={tail.gap} onClose={() => tail.dismissGap()} />}
      <LiveTable
        {...{ tail, columns, fields, names, order, paused, away }}
        onAway={(next) => next !== away && hold({ away: next })}
        onOpen={setOpened}
      />
      {picking && (
        <ColumnPicker
          shown={shown}
          fields={fields}
          onChange={setShown}
          onClose={() => setPicking(false)}
        />
      )}
      {opened !== null && (
        <OpenedRecord ring={tail.ring} row={opened} onClose={() => setOpened(null)} />
      )}
    </Page>
  );
}
