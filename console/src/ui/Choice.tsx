import { type KeyboardEvent, type ReactNode, useId, useRef } from "react";

export interface Option {
  value: string;
  label: ReactNode;
  icon?: ReactNode;
  disabled?: boolean;
}

export interface SegmentedProps {
  label: string;
  value: string;
  options: (Option | string)[];
  onChange: (value: string) => void;
}

function optionOf(option: Option | string): Option {
  return typeof option === "string" ? { value: option, label: option } : option;
}

/** A few ways to look at the same thing, one of them chosen. */
export function Segmented({ label, value, options, onChange }: SegmentedProps) {
  return (
    <fieldset className="seg" aria-label={label}>
      {options.map(optionOf).map((option) => (
        <button
          key={option.value}
          type="button"
          aria-pressed={option.value === value}
          disabled={option.disabled}
          onClick={() => onChange(option.value)}
        >
          {option.icon}
          {option.label}
        </button>
      ))}
    </fieldset>
  );
}

export interface TabsProps {
  label: string;
  value: string;
  tabs: { value: string; label: ReactNode; count?: number }[];
  onChange: (value: string) => void;
  /** What stands under the tabs. */
  children?: ReactNode;
}

/** Tabs with arrow keys. */
export function Tabs({ label, value, tabs, onChange, children }: TabsProps) {
  const id = useId();
  const list = useRef<HTMLDivElement>(null);
  const move = (event: KeyboardEvent) => {
    const at = tabs.findIndex((tab) => tab.value === value);
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const next = event.key === "Home" ? 0 : event.key === "End" ? tabs.length - 1 : by && at + by;
    const tab = next === undefined ? undefined : tabs[(next + tabs.length) % tabs.length];
    if (!tab) return;
    event.preventDefault();
    onChange(tab.value);
    list.current?.querySelector<HTMLElement>(`[data-tab="${CSS.escape(tab.value)}"]`)?.focus();
  };
  return (
    <>
      <div ref={list} role="tablist" aria-label={label} className="tabs" onKeyDown={move}>
        {tabs.map((tab) => (
          <button
            key={tab.value}
            type="button"
            role="tab"
            id={`${id}-${tab.value}`}
            data-tab={tab.value}
            aria-selected={tab.value === value}
            aria-controls={children ? `${id}-panel` : undefined}
            tabIndex={tab.value === value ? 0 : -1}
            onClick={() => onChange(tab.value)}
          >
            {tab.label}
            {tab.count !== undefined && <span className="count num">{tab.count}</span>}
          </button>
        ))}
      </div>
      {children && (
        <div role="tabpanel" id={`${id}-panel`} aria-labelledby={`${id}-${value}`}>
          {children}
        </div>
      )}
    </>
  );
}
