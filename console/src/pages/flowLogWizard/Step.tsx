import type { ReactNode } from "react";
import type { Part } from "./draft";

export interface StepProps {
  part: Part;
  number: number;
  title: string;
  /** A sentence under the title. */
  hint: ReactNode;
  /** What is wrong here; read with the step. */
  errors: string[];
  children: ReactNode;
}

/** One step of the wizard: a group of fields with its legend and what is wrong with it. */
export function Step({ part, number, title, hint, errors, children }: StepProps) {
  const note = `step-${part}-note`;
  return (
    <fieldset
      id={`step-${part}`}
      className={`card step ${errors.length ? "faulty" : ""}`}
      tabIndex={-1}
      aria-describedby={note}
    >
      <legend>
        <span className="step-number num" aria-hidden>
          {number}
        </span>
        {title}
      </legend>
      <p id={note} className="step-hint">
        {hint}
        {errors.map((text) => (
          <span key={text} className="field-error">
            {text}
          </span>
        ))}
      </p>
      <div className="stack">{children}</div>
    </fieldset>
  );
}

export interface ChoiceCard<T extends string> {
  value: T;
  label: string;
  text: string;
  icon?: ReactNode;
}

export interface ChoiceCardsProps<T extends string> {
  name: string;
  label: string;
  value: T;
  choices: ChoiceCard<T>[];
  onChange: (value: T) => void;
}

/** A few choices side by side, each with what it means. */
export function ChoiceCards<T extends string>({
  name,
  label,
  value,
  choices,
  onChange,
}: ChoiceCardsProps<T>) {
  return (
    <div role="radiogroup" aria-label={label} className="choice-cards">
      {choices.map((choice) => (
        <label key={choice.value} className={choice.value === value ? "chosen" : ""}>
          <input
            type="radio"
            name={name}
            value={choice.value}
            checked={choice.value === value}
            onChange={() => onChange(choice.value)}
          />
          <strong>
            {choice.icon}
            {choice.label}
          </strong>
          <span>{choice.text}</span>
        </label>
      ))}
    </div>
  );
}
