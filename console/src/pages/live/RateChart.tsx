import { formatCount } from "../../time/format";
import { RATE_SECONDS, type Rate } from "./rates";

const HEIGHT = 32;
const BAR = 2;
/** Accepted records stand above the line and rejected ones below it. */
const LINE = 22;

/** Records a second, a bar for each of the last two minutes' seconds. */
export function RateChart({ seconds, mean }: { seconds: Rate[]; mean: Rate }) {
  const up = Math.max(1, ...seconds.map((one) => one.accepted));
  const down = Math.max(1, up / 4, ...seconds.map((one) => one.rejected));
  const bars = (part: keyof Rate) =>
    seconds
      .map((one, at) => {
        if (!one[part]) return "";
        const room = part === "accepted" ? LINE - 2 : HEIGHT - LINE - 1;
        const height = Math.max(1, (one[part] / (part === "accepted" ? up : down)) * room);
        const y = part === "accepted" ? LINE - height : LINE + 1;
        return `M${at * BAR} ${y.toFixed(1)}h${BAR - 0.5}v${height.toFixed(1)}h-${BAR - 0.5}z`;
      })
      .join("");
  const width = RATE_SECONDS * BAR;
  return (
    <svg
      className="live-rate-chart"
      viewBox={`0 0 ${width} ${HEIGHT}`}
      width={width}
      height={HEIGHT}
      preserveAspectRatio="none"
      role="img"
      aria-label={rateSentence(mean, up)}
    >
      <path d={`M0 ${LINE + 0.5}h${width}`} stroke="var(--line-strong)" />
      <path d={bars("accepted")} fill="var(--accept)" />
      <path d={bars("rejected")} fill="var(--reject)" />
    </svg>
  );
}

/** What the chart shows, in words. */
export function rateSentence(mean: Rate, most: number): string {
  return (
    `Records a second over the last ${RATE_SECONDS / 60} minutes, accepted above the line, ` +
    `rejected below: now ${formatCount(Math.round(mean.accepted))} accepted and ` +
    `${formatCount(Math.round(mean.rejected))} rejected, at most ${formatCount(most)} accepted.`
  );
}
