export interface SparklineProps {
  values: readonly (number | null)[];
  /** Red when the change is bad. */
  bad?: boolean;
  width?: number;
  height?: number;
}

/** Keeps a line of hundreds of values readable in 72 pixels. */
const POINTS_MAX = 36;

/** Means of neighbours, at most 36 of them. */
export function thinned(values: readonly (number | null)[], most = POINTS_MAX): number[] {
  const known = values.map((value) => value ?? 0);
  if (known.length <= most) return known;
  return Array.from({ length: most }, (_, at) => {
    const from = Math.floor((at * known.length) / most);
    const to = Math.max(from + 1, Math.floor(((at + 1) * known.length) / most));
    return known.slice(from, to).reduce((sum, value) => sum + value, 0) / (to - from);
  });
}

/** The points of the line in a box, from the top left. */
export function sparkPoints(values: readonly number[], width: number, height: number): string {
  const low = Math.min(...values);
  const spread = Math.max(...values) - low;
  const step = values.length > 1 ? width / (values.length - 1) : 0;
  return values
    .map((value, at) => {
      const share = spread > 0 ? (value - low) / spread : 0;
      return `${(at * step).toFixed(1)},${(height - 2 - share * (height - 5)).toFixed(1)}`;
    })
    .join(" ");
}

/** A small line without axes; what it says stands beside it in words. */
export function Sparkline({ values, bad, width = 72, height = 26 }: SparklineProps) {
  const points = thinned(values);
  if (points.length < 2) return null;
  return (
    <svg className="sparkline" width={width} height={height} aria-hidden="true">
      <polyline
        points={sparkPoints(points, width, height)}
        fill="none"
        stroke={bad ? "var(--reject)" : "var(--accept)"}
        strokeWidth="1.6"
        strokeLinejoin="round"
        strokeLinecap="round"
      />
    </svg>
  );
}
