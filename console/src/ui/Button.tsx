import type { ButtonHTMLAttributes, ReactNode, Ref } from "react";
import { Tooltip } from "./Tooltip";

export interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  kind?: "plain" | "primary" | "danger" | "quiet";
  size?: "md" | "sm";
  icon?: ReactNode;
  busy?: boolean;
  ref?: Ref<HTMLButtonElement>;
}

/** A button with a word on it. */
export function Button({ kind = "plain", size = "md", icon, busy, ...rest }: ButtonProps) {
  const { children, className = "", disabled, type = "button", ...other } = rest;
  return (
    <button
      {...other}
      type={type}
      disabled={disabled || busy}
      aria-busy={busy || undefined}
      className={`btn ${kind} ${size} ${className}`}
    >
      {icon}
      {children}
    </button>
  );
}

export interface IconButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  /** What it does: read aloud, and shown as a tooltip. */
  label: string;
  icon: ReactNode;
  /** "tool" is the borderless one of panel headers. */
  kind?: "plain" | "tool" | "primary";
  ref?: Ref<HTMLButtonElement>;
}

/** A button that is an icon. */
export function IconButton({
  label,
  icon,
  kind = "tool",
  className = "",
  ...rest
}: IconButtonProps) {
  return (
    <Tooltip text={label}>
      <button
        type="button"
        aria-label={label}
        {...rest}
        className={`${kind === "tool" ? "tool" : `btn icon ${kind}`} ${className}`}
      >
        {icon}
      </button>
    </Tooltip>
  );
}
