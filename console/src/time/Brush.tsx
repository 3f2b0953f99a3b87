import { type KeyboardEvent, type PointerEvent, useEffect, useMemo, useRef, useState } from "react";
import { useExtent } from "../api/health";
import { useAnswer } from "../api/hooks";
import { useMoment } from "../state/clock";
import { type Span, setRange, useRange } from "../state/range";
import { useZone } from "../state/zone";
import {
  type Bar,
  barPaths,
  barsOf,
  type Domain,
  domainOf,
  dragged,
  type Grip,
  keyed,
} from "./brushMath";
import { dayMarks } from "./days";
import { formatCount, formatRange, formatTime } from "./format";

/** Bars asked for at most; a range of months has wider ones. */
const INTERVALS_MAX = 500;
const HALF_HOUR_S = 1800;
const WIDTH = 1000;
const HEIGHT = 64;
/** Bars leave this much room for the days' names. */
const BARS_HEIGHT = 42;
/** Keys held down set the range once they rest. */
const KEY_REST_MS = 350;
/** A press that moves less is a click and changes nothing. */
const DRAG_PIXELS_MIN = 4;

/** A week of traffic with the page's range as a window that one drags, draws or moves by keys. */
export function Brush() {
  const range = useRange();
  const zone = useZone();
  const domain = useDomain(range);
  const { draft, setDraft, commit } = useDraft(range);
  const shown = draft ?? range;
  const width = { interval: `${domain.step}s`, intervals_max: INTERVALS_MAX };
  const asked = useAnswer("traffic", width, { range: domain });
  const bars = useMemo(() => barsOf(asked.data), [asked.data]);
  const box = useRef<HTMLDivElement>(null);
  const drag = useDrag(box, shown, domain, setDraft, commit);
  const share = (moment: number) =>
    Math.min(1, Math.max(0, (moment - domain.start) / (domain.end - domain.start)));
  const total = bars.reduce((sum, bar) => sum + bar.accepted + bar.rejected, 0);
  const press = (grip: "start" | "end") => (event: KeyboardEvent) => {
    const next = keyed(grip, event.key, event.shiftKey, shown, domain);
    if (!next) return;
    event.preventDefault();
    setDraft(next);
    commit(next, KEY_REST_MS);
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: no form, a picture with handles
    <div
      ref={box}
      className="brush"
      role="group"
      aria-label={`Time range. ${formatCount(total)} records from ${formatRange(domain, zone)}.`}
      onPointerDown={drag("new")}
      style={{ cursor: "crosshair" }}
    >
      <Bars bars={bars} domain={domain} from={share(shown.start)} until={share(shown.end)} />
      <Days domain={domain} box={box} />
      <div
        className="brush-window"
        onPointerDown={drag("window")}
        style={{
          left: `${share(shown.start) * 100}%`,
          width: `${(share(shown.end) - share(shown.start)) * 100}%`,
        }}
      />
      {(["start", "end"] as const).map((grip) => (
        <div
          key={grip}
          className="brush-handle"
          role="slider"
          tabIndex={0}
          aria-label={grip === "start" ? "Range start" : "Range end"}
          aria-valuemin={domain.start}
          aria-valuemax={domain.end}
          aria-valuenow={shown[grip]}
          aria-valuetext={formatTime(shown[grip], zone, "minute")}
          onKeyDown={press(grip)}
          onPointerDown={drag(grip)}
          style={{ left: `clamp(0px, calc(${share(shown[grip]) * 100}% - 4px), calc(100% - 9px))` }}
        />
      ))}
      {asked.fault && <span className="brush-note">{asked.fault.message}</span>}
    </div>
  );
}

/** The domain stays while the range is within it, so that it does not move under a drag. */
function useDomain(range: Span): Domain {
  const extent = useExtent();
  const now = useMoment();
  const { start, end } = range;
  // Half hours, so that the bars are asked anew once in one, not with every record.
  const until = Math.ceil(now / HALF_HOUR_S) * HALF_HOUR_S;
  const first = extent?.first;
  const last = extent && Math.ceil(extent.last / HALF_HOUR_S) * HALF_HOUR_S;
  return useMemo(() => {
    const known = first === undefined || last === undefined ? undefined : { first, last };
    return domainOf({ start, end }, known, until);
  }, [start, end, first, last, until]);
}

function useDraft(range: Span) {
  const [draft, setDraft] = useState<Span | null>(null);
  const timer = useRef(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new range ends the draft
  useEffect(() => setDraft(null), [range.start, range.end]);
  useEffect(() => () => window.clearTimeout(timer.current), []);
  const commit = (span: Span, restMs = 0) => {
    window.clearTimeout(timer.current);
    if (!restMs) setRange(span);
    else timer.current = window.setTimeout(() => setRange(span), restMs);
  };
  return { draft, setDraft, commit };
}

function useDrag(
  box: { current: HTMLDivElement | null },
  shown: Span,
  domain: Domain,
  setDraft: (span: Span | null) => void,
  commit: (span: Span) => void,
) {
  return (grip: Grip) => (event: PointerEvent) => {
    const element = box.current;
    if (!element || event.button !== 0) return;
    event.stopPropagation();
    const frame = element.getBoundingClientRect();
    const momentAt = (x: number) =>
      domain.start + ((x - frame.left) / frame.width) * (domain.end - domain.start);
    const from = momentAt(event.clientX);
    let last: Span | null = null;
    const move = (next: globalThis.PointerEvent) => {
      if (!last && Math.abs(next.clientX - event.clientX) < DRAG_PIXELS_MIN) return;
      last = dragged(grip, shown, from, momentAt(next.clientX), domain);
      setDraft(last);
    };
    const stop = (next: globalThis.PointerEvent) => {
      element.removeEventListener("pointermove", move);
      element.removeEventListener("pointerup", stop);
      element.removeEventListener("pointercancel", stop);
      if (last && next.type === "pointerup") commit(last);
      else setDraft(null);
    };
    element.setPointerCapture(event.pointerId);
    element.addEventListener("pointermove", move);
    element.addEventListener("pointerup", stop);
    element.addEventListener("pointercancel", stop);
  };
}

interface BarsProps {
  bars: Bar[];
  domain: Domain;
  from: number;
  until: number;
}

function Bars({ bars, domain, from, until }: BarsProps) {
  const paths = useMemo(() => barPaths(bars, domain, WIDTH, BARS_HEIGHT), [bars, domain]);
  const drawn = (
    <>
      <path d={paths.accepted} fill="var(--accept)" opacity=".75" />
      <path d={paths.rejected} fill="var(--reject)" />
    </>
  );
  const inside = `inset(0 ${(1 - until) * 100}% 0 ${from * 100}%)`;
  const box = { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none" };
  return (
    <>
      <svg {...box} aria-hidden="true" style={{ opacity: 0.42 }}>
        {drawn}
      </svg>
      <svg {...box} aria-hidden="true" style={{ clipPath: inside }}>
        {drawn}
      </svg>
    </>
  );
}

function Days({ domain, box }: { domain: Domain; box: { current: HTMLDivElement | null } }) {
  const zone = useZone();
  const [width, setWidth] = useState(1000);
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const watch = new ResizeObserver(() => setWidth(element.clientWidth));
    watch.observe(element);
    return () => watch.disconnect();
  }, [box]);
  const marks = useMemo(
    () => dayMarks(domain, zone, Math.max(2, Math.floor(width / 64))),
    [domain, zone, width],
  );
  return marks.map(({ at, label }) => (
    <span
      key={at}
      className="brush-day"
      style={{ left: `${((at - domain.start) / (domain.end - domain.start)) * 100}%` }}
    >
      {label}
    </span>
  ));
}
