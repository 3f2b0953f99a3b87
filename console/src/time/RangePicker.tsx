import { ChevronLeft, ChevronRight, Clock, RefreshCw, ZoomOut } from "lucide-react";
import { type FormEvent, useCallback, useEffect, useRef, useState } from "react";
import { REFRESH_CHOICES, refreshNow, serverNow, useRefresh } from "../state/clock";
import {
  PRESETS,
  type Range,
  setLast,
  setRange,
  shifted,
  useRange,
  zoomedOut,
} from "../state/range";
import { isZone, setZone, useZone } from "../state/zone";
import { Button, IconButton } from "../ui/Button";
import { Select, TextField } from "../ui/Field";
import { Menu } from "../ui/Menu";
import { Popover } from "../ui/Popover";
import { formatTime } from "./format";
import { parseMoment } from "./moment";

/** The button that says the range, and the box to change it. */
export function RangePicker() {
  const range = useRange();
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const close = useCallback(() => setOpen(false), []);
  return (
    <>
      <button
        ref={button}
        type="button"
        className="btn range-button"
        aria-haspopup="dialog"
        aria-expanded={open}
        onClick={() => setOpen((was) => !was)}
      >
        <Clock size={15} aria-hidden />
        <span className="num">{range.label}</span>
        {range.relative && <span className="k num">{range.exact}</span>}
      </button>
      {open && (
        <Popover anchor={button} onClose={close} align="end">
          <RangeBox range={range} onClose={close} />
        </Popover>
      )}
    </>
  );
}

function RangeBox({ range, onClose }: { range: Range; onClose: () => void }) {
  const now = serverNow();
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // The box is placed before it is shown; what is hidden takes no focus.
    const frame = requestAnimationFrame(() => {
      const chosen = box.current?.querySelector<HTMLElement>("[aria-pressed=true]");
      (chosen ?? box.current?.querySelector("button"))?.focus();
    });
    return () => cancelAnimationFrame(frame);
  }, []);
  return (
    <div ref={box} className="range-box" role="dialog" aria-label="Time range">
      <fieldset className="range-presets" aria-label="Ranges up to now">
        {PRESETS.map(({ last, label }) => (
          <button
            key={last}
            type="button"
            aria-pressed={range.relative === last}
            onClick={() => {
              setLast(last);
              onClose();
            }}
          >
            {label}
          </button>
        ))}
      </fieldset>
      <div className="range-exact">
        <ExactForm range={range} onClose={onClose} />
        <div className="range-moves">
          <IconButton
            kind="plain"
            label="Earlier"
            icon={<ChevronLeft size={15} />}
            onClick={() => setRange(shifted(range, -0.5))}
          />
          <IconButton
            kind="plain"
            label="Later"
            icon={<ChevronRight size={15} />}
            onClick={() => setRange(shifted(range, 0.5))}
          />
          <IconButton
            kind="plain"
            label="Zoom out"
            icon={<ZoomOut size={15} />}
            onClick={() => setRange(zoomedOut(range, now))}
          />
        </div>
      </div>
    </div>
  );
}

function ExactForm({ range, onClose }: { range: Range; onClose: () => void }) {
  const zone = useZone();
  // What was not typed in follows the range and the zone that is chosen beneath.
  const [typed, setTyped] = useState<{ from?: string; until?: string }>({});
  const from = typed.from ?? formatTime(range.start, zone);
  const until = typed.until ?? formatTime(range.end, zone);
  const [tried, setTried] = useState(false);
  const start = parseMoment(from, zone, serverNow());
  const end = parseMoment(until, zone, serverNow());
  const wrong = "A time such as 2026-11-27 14:00, or -90m";
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (start === undefined || end === undefined || end <= start) return;
    setRange({ start, end });
    onClose();
  };
  const backwards = start !== undefined && end !== undefined && end <= start;
  return (
    <form onSubmit={submit} className="stack">
      <TextField
        label="From"
        mono
        value={from}
        onChange={(text) => setTyped({ ...typed, from: text })}
        error={tried && start === undefined ? wrong : undefined}
      />
      <TextField
        label="Until"
        mono
        value={until}
        onChange={(text) => setTyped({ ...typed, until: text })}
        error={
          tried && (end === undefined ? wrong : backwards ? "Until must be after from" : undefined)
        }
      />
      <ZoneSelect />
      <Button type="submit" kind="primary">
        Show this range
      </Button>
    </form>
  );
}

function ZoneSelect() {
  const zone = useZone();
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const choices = [
    { value: "utc", label: "UTC" },
    { value: "local", label: `Local (${own})` },
    ...(isZone(zone) && zone !== "utc" && zone !== "local" ? [{ value: zone, label: zone }] : []),
    ...zoneNames()
      .filter((name) => name !== zone && name !== "UTC")
      .map((name) => ({ value: name, label: name })),
  ];
  return <Select label="Time zone" value={zone} onChange={setZone} choices={choices} />;
}

function zoneNames(): string[] {
  return Intl.supportedValuesOf("timeZone");
}

/** Refresh now, or by itself every so often. */
export function RefreshMenu() {
  const [seconds, setSeconds] = useRefresh();
  const label = nameOf(seconds);
  return (
    <Menu
      label={seconds ? `Refreshes every ${label}` : "Refresh"}
      items={[
        { label: "Refresh now", icon: <RefreshCw size={14} />, hint: "r", onSelect: refreshNow },
        ...REFRESH_CHOICES.map((choice, index) => ({
          label: choice ? `Every ${nameOf(choice)}` : "Off",
          checked: choice === seconds,
          separated: index === 0,
          onSelect: () => setSeconds(choice),
        })),
      ]}
    >
      <RefreshCw size={14} aria-hidden />
      {seconds > 0 && label}
    </Menu>
  );
}

function nameOf(seconds: number): string {
  return seconds < 60 ? `${seconds} s` : `${seconds / 60} min`;
}
