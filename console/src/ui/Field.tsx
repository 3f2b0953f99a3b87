import { Check, ChevronDown } from "lucide-react";
import {
  type InputHTMLAttributes,
  type ReactNode,
  type Ref,
  type SelectHTMLAttributes,
  type TextareaHTMLAttributes,
  useId,
} from "react";

interface Labelled {
  label: string;
  /** A quiet line under it. */
  hint?: ReactNode;
  /** What is wrong with it; read aloud. */
  error?: ReactNode;
  hideLabel?: boolean;
}

export interface FieldProps extends Labelled {
  children: (ids: {
    id: string;
    "aria-describedby"?: string;
    "aria-invalid"?: boolean;
  }) => ReactNode;
}

/** A label, its control, a hint and an error, tied together. */
export function Field({ label, hint, error, hideLabel, children }: FieldProps) {
  const id = useId();
  const note = hint || error ? `${id}-note` : undefined;
  return (
    <div className="field">
      <label htmlFor={id} className={hideLabel ? "sr" : ""}>
        {label}
      </label>
      {children({ id, "aria-describedby": note, "aria-invalid": error ? true : undefined })}
      {note && (
        <div
          id={note}
          className={error ? "field-error" : "field-hint"}
          role={error ? "alert" : undefined}
        >
          {error || hint}
        </div>
      )}
    </div>
  );
}

type Native<T> = Omit<T, "onChange" | "value">;
export interface TextFieldProps extends Labelled, Native<InputHTMLAttributes<HTMLInputElement>> {
  value: string;
  onChange: (value: string) => void;
  mono?: boolean;
  ref?: Ref<HTMLInputElement>;
}

/** One line of text. */
export function TextField({
  label,
  hint,
  error,
  hideLabel,
  value,
  onChange,
  mono,
  ...rest
}: TextFieldProps) {
  return (
    <Field label={label} hint={hint} error={error} hideLabel={hideLabel}>
      {(ids) => (
        <input
          {...rest}
          {...ids}
          className={`input ${mono ? "mono" : ""}`}
          value={value}
          onChange={(event) => onChange(event.target.value)}
        />
      )}
    </Field>
  );
}

export interface TextAreaProps
  extends Labelled,
    Native<TextareaHTMLAttributes<HTMLTextAreaElement>> {
  value: string;
  onChange: (value: string) => void;
  mono?: boolean;
}

/** Several lines of text. */
export function TextArea({
  label,
  hint,
  error,
  hideLabel,
  value,
  onChange,
  mono,
  ...rest
}: TextAreaProps) {
  return (
    <Field label={label} hint={hint} error={error} hideLabel={hideLabel}>
      {(ids) => (
        <textarea
          rows={4}
          {...rest}
          {...ids}
          className={`input ${mono ? "mono" : ""}`}
          value={value}
          onChange={(event) => onChange(event.target.value)}
        />
      )}
    </Field>
  );
}

export interface Choice {
  value: string;
  label: string;
  disabled?: boolean;
}

export interface SelectProps extends Labelled, Native<SelectHTMLAttributes<HTMLSelectElement>> {
  value: string;
  onChange: (value: string) => void;
  choices: (Choice | string)[];
}

/** One of a few values. */
export function Select({
  label,
  hint,
  error,
  hideLabel,
  value,
  onChange,
  choices,
  ...rest
}: SelectProps) {
  return (
    <Field label={label} hint={hint} error={error} hideLabel={hideLabel}>
      {(ids) => (
        <span className="select">
          <select
            {...rest}
            {...ids}
            value={value}
            onChange={(event) => onChange(event.target.value)}
          >
            {choices.map((choice) => {
              const {
                value: own,
                label: name,
                disabled,
              } = typeof choice === "string"
                ? { value: choice, label: choice, disabled: false }
                : choice;
              return (
                <option key={own} value={own} disabled={disabled}>
                  {name}
                </option>
              );
            })}
          </select>
          <ChevronDown size={14} aria-hidden />
        </span>
      )}
    </Field>
  );
}

export interface CheckProps {
  label: ReactNode;
  checked: boolean;
  onChange: (checked: boolean) => void;
  disabled?: boolean;
  hint?: ReactNode;
}

/** A box to tick. */
export function Checkbox({ label, checked, onChange, disabled, hint }: CheckProps) {
  return (
    <label className={`check ${disabled ? "disabled" : ""}`}>
      <input
        type="checkbox"
        checked={checked}
        disabled={disabled}
        onChange={(event) => onChange(event.target.checked)}
      />
      <span className="check-box" aria-hidden>
        <Check size={12} strokeWidth={3} />
      </span>
      <span>
        {label}
        {hint && <span className="field-hint">{hint}</span>}
      </span>
    </label>
  );
}

/** Something that is on or off at once. */
export function Switch({ label, checked, onChange, disabled, hint }: CheckProps) {
  return (
    <label className={`check ${disabled ? "disabled" : ""}`}>
      <input
        type="checkbox"
        role="switch"
        aria-checked={checked}
        checked={checked}
        disabled={disabled}
        onChange={(event) => onChange(event.target.checked)}
      />
      <span className="switch-track" aria-hidden />
      <span>
        {label}
        {hint && <span className="field-hint">{hint}</span>}
      </span>
    </label>
  );
}
