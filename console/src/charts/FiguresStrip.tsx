import type { OnPick } from "./answer";
import type { Figure } from "./figures";
import { NumberFigure } from "./NumberFigure";

export interface FiguresStripProps {
  figures: readonly Figure[];
  onPick?: OnPick;
}

/** Figures side by side in one strip, divided by hairlines. */
export function FiguresStrip({ figures, onPick }: FiguresStripProps) {
  return (
    <section className="figures-strip" aria-label="Figures">
      <div className="figures-row">
        {figures.map((figure) => (
          <div className="figure-cell" key={figure.name}>
            <NumberFigure {...figure} onPick={onPick} />
          </div>
        ))}
      </div>
    </section>
  );
}
