import "./figures.css";
import type { OnPick } from "./answer";
import { changeOf, type Figure, figureSentence } from "./figures";
import { measureParts } from "./format";
import { Sparkline } from "./Sparkline";

export interface NumberFigureProps extends Figure {
  onPick?: OnPick;
}

/** A large number with its unit, its change and why, and a small line. */
export function NumberFigure({ onPick, ...figure }: NumberFigureProps) {
  const change = changeOf(figure);
  const pick = figure.pick;
  const body = (
    <>
      <span className="figure-label">{figure.label}</span>
      <FigureValue figure={figure} />
      <span className="figure-change">
        {change ? <b className={change.tone}>{change.text}</b> : null}
        {figure.reason ? <span>{figure.reason}</span> : null}
      </span>
      {figure.values ? <Sparkline values={figure.values} bad={change?.tone === "bad"} /> : null}
    </>
  );
  if (pick && onPick)
    return (
      <button
        type="button"
        className="figure"
        aria-label={figureSentence(figure)}
        onClick={() => onPick(pick)}
      >
        {body}
      </button>
    );
  return (
    <div className="figure" role="img" aria-label={figureSentence(figure)}>
      {body}
    </div>
  );
}

function FigureValue({ figure }: { figure: Figure }) {
  if (figure.value === null) return <span className="figure-value none">–</span>;
  const { text, unit } = measureParts(figure.value, figure.kind);
  return (
    <span className="figure-value">
      {text}
      {unit || figure.suffix ? <small>{unit + (figure.suffix ?? "")}</small> : null}
    </span>
  );
}
