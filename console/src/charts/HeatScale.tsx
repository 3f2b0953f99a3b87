import type { Theme } from "./theme";

/** The colours of heat, from little to much. */
export const heatColours = (theme: Theme): string[] =>
  [0, 1, 2, 3, 4, 5].map((step) => theme.colour(`heat${step}`));

/** The key of a heat map. */
export function HeatScale({ low, high, note }: { low: string; high: string; note?: string }) {
  return (
    <div className="heat-scale" aria-hidden="true">
      <span>{low}</span>
      <i />
      <span>{high}</span>
      {note ? <span className="heat-note">{note}</span> : null}
    </div>
  );
}
