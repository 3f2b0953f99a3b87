import { useMemo } from "react";
import { DrillList } from "./DrillList";
import { axisText, bytesText, countText } from "./format";
import type { CountryRow, WorldMapProps } from "./WorldMap";
import { COUNTRIES, type CountryShape, HEIGHT, WIDTH } from "./world";

/** Four steps on a round logarithmic scale, the largest first. */
export function stepsOf(top: number): number[] {
  if (!(top > 0)) return [];
  const power = 10 ** Math.floor(Math.log10(top));
  const most = top / power >= 5 ? 5 * power : top / power >= 2 ? 2 * power : power;
  return [most, most / 4, most / 20];
}

export function stepOf(steps: readonly number[], bytes: number): number {
  const at = steps.findIndex((step) => bytes >= step);
  return at < 0 ? 1 : 4 - at;
}

const CIRCLE_MIN = 3;
const CIRCLE_MAX = 15;

/** The map itself; a default export for `lazy`. */
export default function WorldMapPicture({ rows, onPick, title, sentence }: PictureProps) {
  const byCode = useMemo(() => new Map(rows.map((row) => [row.code.toUpperCase(), row])), [rows]);
  const steps = stepsOf(Math.max(0, ...rows.map((row) => row.bytes)));
  const most = Math.max(1, ...rows.map((row) => row.rejected));
  const pick = (row: CountryRow | undefined) => {
    if (row) onPick?.(row.pick ?? { field: "country", value: row.code });
  };
  const red = COUNTRIES.map((shape) => ({ shape, row: byCode.get(shape.code) }))
    .filter(({ row }) => row !== undefined && row.rejected > 0)
    .sort((one, other) => (other.row?.rejected ?? 0) - (one.row?.rejected ?? 0));
  return (
    <div className="chart chart-map">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={sentence}>
        {COUNTRIES.map((shape) => (
          <Land
            key={shape.code}
            shape={shape}
            row={byCode.get(shape.code)}
            steps={steps}
            pick={pick}
          />
        ))}
        {red.map(({ shape, row }) => (
          <circle
            key={shape.code}
            className="map-rejected"
            cx={shape.x}
            cy={shape.y}
            r={CIRCLE_MIN + (CIRCLE_MAX - CIRCLE_MIN) * Math.sqrt((row?.rejected ?? 0) / most)}
          />
        ))}
      </svg>
      <MapLegend steps={steps} />
      <DrillList
        label={`Countries of ${title}`}
        items={[...rows]
          .sort((one, other) => other.bytes - one.bytes)
          .map((row) => ({
            key: row.code,
            text: `${row.name ?? row.code}, ${bytesText(row.bytes)}, ${countText(row.rejected)} rejected`,
            onPick: () => pick(row),
          }))}
      />
    </div>
  );
}

type PictureProps = WorldMapProps & { sentence: string };

interface LandProps {
  shape: CountryShape;
  row: CountryRow | undefined;
  steps: readonly number[];
  pick: (row: CountryRow | undefined) => void;
}

function Land({ shape, row, steps, pick }: LandProps) {
  const fill = row && row.bytes > 0 ? `var(--heat${stepOf(steps, row.bytes)})` : "var(--map-land)";
  const text = row
    ? `${shape.name}: ${bytesText(row.bytes)}, ${countText(row.rejected)} rejected flows`
    : shape.name;
  return (
    // The keyboard has the list of countries beside the map.
    // biome-ignore lint/a11y/noStaticElementInteractions: see above
    <path
      className={row ? "map-land has" : "map-land"}
      d={shape.path}
      fill={fill}
      onClick={() => pick(row)}
    >
      <title>{text}</title>
    </path>
  );
}

function MapLegend({ steps }: { steps: readonly number[] }) {
  const [first, ...others] = steps;
  if (first === undefined) return null;
  return (
    <div className="map-legend" aria-hidden="true">
      <span>
        <i style={{ background: "var(--heat4)" }} />
        {axisText(first, "bytes")} or more
      </span>
      {others.map((step, at) => (
        <span key={step}>
          <i style={{ background: `var(--heat${3 - at})` }} />
          {axisText(step, "bytes")}
        </span>
      ))}
      <span>
        <i style={{ background: "var(--heat1)" }} />
        less
      </span>
    </div>
  );
}
