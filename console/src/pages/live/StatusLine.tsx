import { FastForward, Hourglass } from "lucide-react";
import { session } from "../../api/client";
import { health } from "../../api/health";
import { serverNow } from "../../state/clock";
import { formatCount } from "../../time/format";
import { Button } from "../../ui/Button";
import { Pill } from "../../ui/State";
import { RateChart } from "./RateChart";
import type { LiveTail } from "./tail";
import { useSecond } from "./useTail";
import { secondsToNext, stateWords } from "./words";

/** Batches that may wait before it is told: one is being read all the time. */
const BEHIND_MIN = 2;

/** How the tail fares: connection, rate, how far behind, when records come next. */
export function StatusLine({ tail, paused }: { tail: LiveTail; paused: boolean }) {
  const now = useSecond();
  const words = stateWords(tail.connection, paused, now);
  const next = secondsToNext(health.use()?.capture, serverNow());
  const goOn = () =>
    tail.connection.kind === "signed-out" ? session.set({ signed_in: false }) : tail.again();
  return (
    <div className="live-status">
      <span className="live-state" role="status">
        <Pill tone={words.tone}>{words.pill}</Pill>
        {words.told && <span className="sr">{words.told}</span>}
      </span>
      {words.action && (
        <span className="live-told">
          <span aria-hidden="true">{words.told}</span>
          <Button size="sm" onClick={goOn}>
            {words.action}
          </Button>
        </span>
      )}
      {paused && <Held tail={tail} />}
      {tail.waiting >= BEHIND_MIN && (
        <span className="live-behind">
          <Pill tone="warn">{`Behind by ${formatCount(tail.waiting)} batches`}</Pill>
          <Button size="sm" icon={<FastForward size={13} />} onClick={() => tail.jump()}>
            Jump to newest
          </Button>
        </span>
      )}
      <span className="grow" />
      {next !== undefined && (
        <span className="live-next num">
          <Hourglass size={13} aria-hidden />
          Interval ends in {next} s
        </span>
      )}
      <Rates tail={tail} now={now} />
    </div>
  );
}

function Held({ tail }: { tail: LiveTail }) {
  const more = tail.connection.kind === "full" ? "More than " : "";
  const count = formatCount(tail.heldRows);
  return (
    <span className="live-held num" aria-live="off">
      {tail.heldRows ? `${more}${count} wait` : "None waits yet"}
    </span>
  );
}

function Rates({ tail, now }: { tail: LiveTail; now: number }) {
  const seconds = tail.rates.seconds(now);
  const mean = tail.rates.mean(now);
  return (
    <span className="live-rates">
      <RateChart seconds={seconds} mean={mean} />
      <span className="live-figures num">
        <span>
          <b>{rateText(mean.accepted)}</b> accepted/s
        </span>
        <span className="live-figure-rejected">
          <b>{rateText(mean.rejected)}</b> rejected/s
        </span>
      </span>
    </span>
  );
}

function rateText(value: number): string {
  return value > 0 && value < 10 ? value.toFixed(1) : formatCount(Math.round(value));
}
